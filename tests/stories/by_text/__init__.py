"""A year of somebody who has text messages and nothing else: the person, the two networks, the life, the outcome."""
