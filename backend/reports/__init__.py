"""What patients report: kept once, never changed, scored, and shown to the right person."""
