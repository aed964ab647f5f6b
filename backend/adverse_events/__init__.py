"""From a candidate to a signed adverse event: graded, judged, signed, and where it is serious told in time."""
