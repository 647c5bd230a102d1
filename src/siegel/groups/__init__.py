"""Groups: who is in, which keys they share, and the chain of messages that each sender writes."""
