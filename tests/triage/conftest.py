"""A patient who can report, for the tests of what becomes of it."""

import pytest

from backend.db import Database
from backend.patients.models import Patient
from tests import people


@pytest.fixture
def ann(db: Database) -> Patient:
    """Enrolled at the first site."""
    return people.ann(db)


@pytest.fixture
def phone(db: Database, ann: Patient) -> dict[str, str]:
    """What her phone sends with every request."""
    return people.phone_of(db, ann).headers
