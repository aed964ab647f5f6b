"""Questionnaires and terminology as immutable versions: what is asked, which item comes when, what answers mean."""
