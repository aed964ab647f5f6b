"""What a day has left: pauses that are over, silent surveys, messages unheard, numbers nobody has answered at.

Each has a job, and each job looks for itself. Here one look is for all of them, for there are many nights.
"""

from collections import Counter

from backend.agenda import pauses
from backend.conversations import channels, confirming, endings
from backend.db import Database, system

NIGHT = system("simulated night")


def see_to_the_day(db: Database) -> Counter[str]:
    """Do what these jobs would, in their order; says how much of each."""
    with db.reading(NIGHT) as txn:
        over, surveys = pauses.over(txn), endings.to_see_to(txn)
        unheard, silent = channels.to_say_again(txn), confirming.silent_numbers(txn)
    done = pauses.end_each(db, over) + endings.see_to_these(db, surveys)
    done.update(channels.say_again(db, unheard))
    done.update(confirming.have_called(db, silent))
    return done
