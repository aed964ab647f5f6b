"""Thousands of made-up requests from the API's own document: ``python3 do.py fuzz``, and a short form in the suite."""
