"""Patients: enrolment, identifiers, phones that are signed in, contact, and whether they live."""
