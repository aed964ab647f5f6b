"""Speeds, measured: ``python3 do.py bench <what>``. Nothing here is a timed test."""
