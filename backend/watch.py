"""The web process watches the workers, because a worker that is dead says nothing about it."""

import logging
import threading
from collections.abc import Callable

from backend import clock
from backend.db import Database, system
from backend.worklist.outages import tell_of_return, tell_of_silence
from notifications.scheduler import SILENT_AFTER, last_heartbeat

log = logging.getLogger(__name__)

WATCHER = system("watch")
SECONDS_BETWEEN_LOOKS = 30.0


def _say_nothing() -> None:
    """Nobody can be written to."""


class Watch:
    """Says once when the workers fall silent, and once when they are back: in the log, and to the staff by e-mail."""

    def __init__(self, db: Database, send_letters: Callable[[], object] = _say_nothing) -> None:
        """Nobody is known to be silent. ``send_letters`` sends what is queued of ``outages.LETTERS``, and only that."""
        self._db = db
        self._send_letters = send_letters
        self._is_silent = False
        # Another process, or this one before it was started anew, may have told of an outage that is over since.
        self._may_owe_the_end = True

    def look(self) -> bool:
        """Whether every worker is silent now. None that ever ran is not silence: it may be another's task."""
        with self._db.reading(WATCHER) as txn:
            beat = last_heartbeat(txn)
        silent = beat is not None and clock.wall() - beat > SILENT_AFTER
        before, self._is_silent = self._is_silent, silent
        if silent and not before and beat is not None:
            log.error("no worker ticks, so nothing is sent", extra={"silent_since": beat.isoformat()})
        if before and not silent:
            log.warning("a worker ticks again")
        if silent and beat is not None:
            # Each time: what could not be written down or sent is tried again.
            self._may_owe_the_end = True
            tell_of_silence(self._db, beat)
            self._send_letters()
        elif self._may_owe_the_end:
            if tell_of_return(self._db):
                self._send_letters()
            self._may_owe_the_end = False
        return silent

    def go_on(self) -> None:
        """Look again and again, in a thread that ends with the process."""
        threading.Thread(target=self._look_for_ever, name="watch", daemon=True).start()

    def _look_for_ever(self) -> None:
        pause = threading.Event()
        while not pause.wait(SECONDS_BETWEEN_LOOKS):
            try:
                self.look()
            except Exception:
                # A database that is away is /readyz's to tell; the watch goes on when it is back.
                log.warning("the workers could not be looked after")
