"""The audit trail: who did what, sealed, and found out when it was tampered with."""
