"""Data at rest: slots that unlock, keys that can be destroyed, records bound to their place."""
