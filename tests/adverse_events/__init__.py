"""From a candidate to a signed adverse event."""
