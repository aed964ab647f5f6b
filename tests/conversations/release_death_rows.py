"""The reason that a text which may tell of a death gives for waiting, as long as nobody has read it."""

from tests import people
from tests.conversations.release_world import Row, World, a_report_is_due
from tests.phone import Phone


def another_has_written(world: World) -> None:
    a_report_is_due(world)
    people.ben(world.work.db, caregivers=())
    Phone(world.work, people.BENS_PHONE).writes("他走了两步就累了")


ROWS = (
    Row(
        "_about_words_of_death",
        "later: death_unread",
        "send by sms",
        another_has_written,
        lambda world: Phone(world.work, people.ANNS_PHONE).writes("My phone died"),
    ),
)
