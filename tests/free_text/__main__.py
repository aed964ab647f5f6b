"""Prints how well patients' words are understood, over the labelled phrases: ``do.py phrases``."""

import sys
import time

from backend.free_text.suggest import suggest
from tests.free_text.figures import (
    Labelled,
    alarms_of,
    deaths_misread,
    figures_of,
    phrases,
    shipped_lexicon,
    shipped_words,
)

SETS = {"built": "seen while it was made", "held_out": "written before their results were seen"}
LANGUAGES = {"en": "English", "zh": "Chinese", "mixed": "both in one"}
HEADS = ("", "phrases", "precision 1", "recall 1", "precision 3", "recall 3", "denials")


def main() -> int:
    """The tables, what is missed among emergencies and deaths, and the time that a text takes."""
    for name, meaning in SETS.items():
        _print_set(f"{name} ({meaning})", [one for one in phrases() if one.set == name])
    _print_words()
    _print_speed()
    return 0


def _print_set(title: str, labelled: list[Labelled]) -> None:
    print(f"\n{title}\n" + "".join(f"{head:>13}" for head in HEADS))
    groups = {label: [one for one in labelled if one.language == code] for code, label in LANGUAGES.items()}
    kinds = {kind: [one for one in labelled if one.kind == kind] for kind in ("dialect", "slips")}
    for label, group in (groups | kinds | {"all": labelled}).items():
        figures = figures_of(group, shipped_lexicon())
        shares = (
            figures.precision_first,
            figures.recall_first,
            figures.precision_three,
            figures.recall_three,
            figures.denials_understood,
        )
        print(f"{label:>13}{figures.phrases:13}" + "".join(f"{share:13.3f}" for share in shares))


def _print_words() -> None:
    alarms = alarms_of(phrases(), shipped_words())
    print(f"\nwords of danger: sensitivity {alarms.sensitivity:.3f}, specificity {alarms.specificity:.3f}")
    print(f"  missed: {'; '.join(alarms.missed) or 'none'}")
    print(f"  needless: {'; '.join(alarms.needless) or 'none'}")
    misread = deaths_misread(phrases(), shipped_words())
    print(f"words of death: {len(misread)} of {len(phrases())} phrases are taken otherwise than by a person")
    for text, label, understood in misread:
        print(f"  {text}: {understood}, not {label}")


def _print_speed() -> None:
    began = time.perf_counter()
    for one in phrases():
        suggest(one.text, shipped_lexicon())
    print(f"\n{1000 * (time.perf_counter() - began) / len(phrases()):.2f} ms a text")


if __name__ == "__main__":
    sys.exit(main())
