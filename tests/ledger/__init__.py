"""The ledger: what the provider received, held against what we believe, after processes were killed at random."""
