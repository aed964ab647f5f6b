"""Is this patient alive, and how do we know: confirmations, deaths, and the end of every message."""
