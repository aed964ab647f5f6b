"""What the trial found: overall survival, disease control, adverse events and adherence, each from the records."""
