"""What a day has left: pauses that are over, silent surveys, messages unheard, numbers nobody has answered at.

Each has a job, and each job looks for itself. Here one look is for all of them, for there are many nights, and most of
them find nothing.
"""

from collections import Counter

from sqlalchemy import select

from backend.agenda import pauses
from backend.conversations import channels, confirming, endings
from backend.db import Database, system
from backend.patients import new_numbers

NIGHT = system("simulated night")
# Which of the jobs would find anything to look at.
_IS_ANY = select(
    pauses.OVER.exists(), endings.AT_A_GLANCE.exists(), channels.UNHEARD.exists(), confirming.SILENT.exists()
)


def see_to_the_day(db: Database) -> Counter[str]:
    """Do what these jobs would, in their order; says how much of each."""
    with db.reading(NIGHT) as txn:
        since = {"since": txn.now - channels.LOOKED_BACK, "silent_since": txn.now - new_numbers.SILENCE}
        is_over, is_asked, is_unheard, is_silent = txn.connection.execute(_IS_ANY, {"now": txn.now, **since}).one()
        over = pauses.over(txn) if is_over else ()
        surveys = endings.to_see_to(txn) if is_asked else ()
        unheard = channels.to_say_again(txn) if is_unheard else ()
        silent = confirming.silent_numbers(txn) if is_silent else ()
    done = pauses.end_each(db, over) + endings.see_to_these(db, surveys)
    done.update(channels.say_again(db, unheard))
    done.update(confirming.have_called(db, silent))
    return done
