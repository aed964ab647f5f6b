"""The simulation itself, in its short form, and that its ledger notices what must not be."""
