"""The web process watches the workers, because a worker that is dead says nothing about it."""

import logging
import threading

from backend import clock
from backend.db import Database, system
from notifications.scheduler import SILENT_AFTER, last_heartbeat

log = logging.getLogger(__name__)

WATCHER = system("watch")
SECONDS_BETWEEN_LOOKS = 30.0


class Watch:
    """Says once when the workers fall silent, and once when they are back."""

    def __init__(self, db: Database) -> None:
        """Nobody is known to be silent."""
        self._db = db
        self._is_silent = False

    def look(self) -> bool:
        """Whether every worker is silent now. None that ever ran is not silence: it may be another's task."""
        with self._db.reading(WATCHER) as txn:
            beat = last_heartbeat(txn)
        silent = beat is not None and clock.wall() - beat > SILENT_AFTER
        if silent and not self._is_silent and beat is not None:
            log.error("no worker ticks, so nothing is sent", extra={"silent_since": beat.isoformat()})
        if self._is_silent and not silent:
            log.warning("a worker ticks again")
        self._is_silent = silent
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
