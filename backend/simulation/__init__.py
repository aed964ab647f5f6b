"""A whole trial lived through the real code on a moving clock, and what it must leave behind: `followup simulate`."""
