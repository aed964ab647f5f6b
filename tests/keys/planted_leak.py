"""Run by test_canaries.py: a test that lets a name out, which must fail, and one that does not."""

import logging

from tests.canaries import WATCH


def test_that_leaks() -> None:
    WATCH.keep_secret("a name", "Mr Unheardof")
    logging.getLogger("planted").info("enrolled %s", "Mr Unheardof")


def test_that_does_not() -> None:
    WATCH.keep_secret("a name", "Mr Unheardof")
    logging.getLogger("planted").info("enrolled", extra={"patient_id": "7"})
