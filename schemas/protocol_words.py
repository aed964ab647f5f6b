"""The shape of a protocol's word lists: what is looked for in free text, by language."""

from schemas.base import Schema
from schemas.seed_fields import assumption, word_lists


class WordsShape(Schema):
    """What is looked for in free text."""

    assumption = assumption()
    danger = word_lists("Words of danger.", may_be_bent=True)
    danger_alone = word_lists("Words of danger in a text message that says nothing else.", required=False)
    death = word_lists("Words of death, wherever they stand.")
    perhaps_death = word_lists("Words for a person to read first, wherever they stand.", required=False)
    death_after_a_person = word_lists("Words of death if alone, or after a person and no more.", required=False)
    death_only_of_a_person = word_lists("The same, of words that mean no death elsewhere.", required=False)
    persons = word_lists("Who is meant by them.", required=False)
    other_people = word_lists("Whose death is not a patient's.", required=False)
    beside_a_death = word_lists(
        "What may stand beside them: when, where, how; # is a number.", required=False, may_hold_numbers=True
    )
    never_texted = word_lists("What no text message may say: illness, drug, study.", required=False)
