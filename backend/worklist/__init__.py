"""Every task for a person, whatever raised it."""
