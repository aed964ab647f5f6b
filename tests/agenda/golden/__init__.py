"""Whole calendars as text files, and the invented patients they belong to."""
