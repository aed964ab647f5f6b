"""What is wrong with a chain, in words: the first link that does not hold, and what was most likely done to it.

A broken link says only that something was done. What it was shows in which other hash would hold: that of another
entry in this place, of this entry in another place, or of the next link if this seal were as it should be.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from backend.audit_text import link
from backend.audit_walk import Link, OpenTrail

# How many entries put in or taken out in a row are still recognised as that; more of them are an altered entry.
NEARBY = 1_000


class Wrong(StrEnum):
    """What can be wrong with a trail."""

    ALTERED = "altered"
    MISSING = "missing"
    OUT_OF_ORDER = "out of order"
    INSERTED = "inserted"
    CUT = "cut"
    REWRITTEN = "rewritten"
    FORGED = "forged"


@dataclass(frozen=True)
class Defect:
    """The first thing wrong with a chain: at which place, with which entry (None: it is gone), in words."""

    chain: str
    seq: int
    entry_id: int | None
    wrong: Wrong
    words: str

    def __str__(self) -> str:
        """For a person at a terminal."""
        entry = "" if self.entry_id is None else f", entry {self.entry_id}"
        place = f"chain {self.chain}, seq {self.seq}{entry}: " if self.chain else ""
        return f"{place}{self.wrong}: {self.words}"


@dataclass(frozen=True)
class Scene:
    """The link that does not hold, and what lies around it."""

    trail: OpenTrail
    chain: str
    last: int
    head_hash: str
    previous: bytes
    here: Link
    near: dict[int, Link]

    def would_hold(self, stored: bytes, previous: bytes, seq: int, sealed_at: bytes, text: bytes) -> bool:
        """Whether the stored hash is the one of this text in this place."""
        return link(previous, seq, self.chain.encode(), sealed_at, text).encode() == stored

    def says(self, wrong: Wrong, words: str, *, seq: int | None = None) -> Defect:
        """A defect here, or at another place nearby."""
        at = self.here if seq is None else self.near[seq]
        return Defect(self.chain, at.seq, at.entry_id, wrong, words)


def explain(trail: OpenTrail, chain: str, seq: int, *, last: int, head_hash: str) -> Defect:
    """What was done at this place, the first whose link does not hold."""
    near = {one.seq: one for one in trail.links(chain, seq - NEARBY, seq + NEARBY)}
    if seq not in near:
        return _seal_gone(chain, seq, near)
    scene = Scene(trail, chain, last, head_hash, trail.hash_before(chain, seq), near[seq], near)
    clues: tuple[Callable[[Scene], Defect | None], ...] = (_entry_gone, _hash_changed, _exchanged, _put_in, _taken_out)
    found = (clue(scene) for clue in clues)
    altered = scene.says(Wrong.ALTERED, "what is stored is not what was sealed.")
    return next((defect for defect in found if defect is not None), altered)


def _seal_gone(chain: str, seq: int, near: dict[int, Link]) -> Defect:
    before, after = near.get(seq - 1), near.get(min((place for place in near if place > seq), default=0))
    between = f"after entry {before.entry_id}" if before else "at the beginning"
    until = f" and before entry {after.entry_id}" if after else ""
    return Defect(chain, seq, None, Wrong.MISSING, f"the seal is gone, {between}{until}.")


def _entry_gone(scene: Scene) -> Defect | None:
    if scene.here.found:
        return None
    return scene.says(Wrong.MISSING, "the entry was sealed here and is gone.")


def _hash_changed(scene: Scene) -> Defect | None:
    here = scene.here
    proper = link(scene.previous, here.seq, scene.chain.encode(), here.sealed_at, here.text)
    after = scene.near.get(here.seq + 1)
    if after is None:
        holds = proper == scene.head_hash
    else:
        holds = scene.would_hold(after.hash, proper.encode(), after.seq, after.sealed_at, after.text)
    return scene.says(Wrong.ALTERED, "the seal's hash was changed; its entry is as it was.") if holds else None


def _exchanged(scene: Scene) -> Defect | None:
    """Another entry of the chain holds here, or this one holds elsewhere."""
    here, before = scene.here, scene.trail.hash_before(scene.chain, 1)
    for other in scene.trail.links(scene.chain, 1, scene.last):
        if other.seq != here.seq and any(_hold_exchanged(scene, other, before)):
            words = f"exchanged with entry {other.entry_id} at seq {other.seq}."
            return scene.says(Wrong.OUT_OF_ORDER, words)
        before = other.hash
    return None


def _hold_exchanged(scene: Scene, other: Link, before_other: bytes) -> Iterator[bool]:
    here = scene.here
    renamed = b'["%d"' % here.entry_id + other.text[len(b'["%d"' % other.entry_id) :]
    for text in (other.text, renamed):
        for sealed_at in (here.sealed_at, other.sealed_at):
            yield scene.would_hold(here.hash, scene.previous, here.seq, sealed_at, text)
    # The seals themselves: each holds where the other is. Of two neighbours, what stood before the second is now it.
    if scene.would_hold(other.hash, scene.previous, here.seq, other.sealed_at, other.text):
        for previous in (before_other, other.hash):
            yield scene.would_hold(here.hash, previous, other.seq, here.sealed_at, here.text)


def _put_in(scene: Scene) -> Defect | None:
    """This link belongs further up, or one further down belongs here: what lies between was put in."""
    here = scene.here
    words = "the entry was put in with a seal made for it, and the later seals were renumbered."
    for seq in range(here.seq - 1, max(0, here.seq - NEARBY), -1):
        if seq > 1 and seq - 1 not in scene.near:
            break
        previous = scene.near[seq - 1].hash if seq > 1 else scene.trail.hash_before(scene.chain, 1)
        if scene.would_hold(here.hash, previous, seq, here.sealed_at, here.text):
            return scene.says(Wrong.INSERTED, words, seq=seq)
    for later in (scene.near[seq] for seq in sorted(scene.near) if seq > here.seq):
        if scene.would_hold(later.hash, scene.previous, here.seq, later.sealed_at, later.text):
            return scene.says(Wrong.INSERTED, words)
    return None


def _taken_out(scene: Scene) -> Defect | None:
    """The next link was made with a higher number: something before it is gone, and the numbers were closed up."""
    here, after = scene.here, scene.near.get(scene.here.seq + 1)
    if after is None:
        return None
    for gone in range(1, NEARBY):
        if scene.would_hold(after.hash, here.hash, after.seq + gone, after.sealed_at, after.text):
            words = f"of the sealed entries before this one, {gone} gone; the later seals were renumbered."
            return scene.says(Wrong.MISSING, words)
    return None
