"""Which questionnaire an item of the agenda asks for, and what that asks: the app has both when it shows the item."""

from uuid import UUID

from backend.agenda.history import agenda_of
from backend.db import Transaction
from backend.instruments.definition import Instrument, instrument
from backend.patients.models import Patient


class Forms:
    """Looked up once for each key and arm, and remembered: the study has one protocol here, and some hundred keys."""

    def __init__(self) -> None:
        """Nothing was looked up yet."""
        self._known: dict[tuple[str, str], str | None] = {}
        self._newest: dict[str, Instrument] = {}

    def of(self, txn: Transaction, arm: str, patient_id: UUID, key: str) -> str | None:
        """By the agenda of whoever asks first; None for what is no questionnaire."""
        if (arm, key) not in self._known:
            for item in agenda_of(txn, txn.session.get_one(Patient, patient_id)):
                self._known[arm, item.key] = item.instrument
            self._known.setdefault((arm, key), None)
        return self._known[arm, key]

    def newest(self, txn: Transaction, name: str) -> Instrument:
        """The questionnaire itself: no other version is loaded while this trial goes on."""
        if name not in self._newest:
            self._newest[name] = instrument(txn, name)
        return self._newest[name]
