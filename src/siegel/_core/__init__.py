"""The floors below every room: encoding, secrets, labels, cryptography. Nothing here is public."""
