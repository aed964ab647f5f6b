"""Two-way texts: what a received text means, and what may still be sent."""
