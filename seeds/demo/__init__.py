"""Invented staff and patients, and the past they are given. Refused in production, because only a demo calls it."""
