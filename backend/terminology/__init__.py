"""CTCAE terms, version by version: which grades exist, what they mean in our words, and how a term is found."""
