"""What is sealed of an audit entry: one text, built by the database from what it has stored, and the hash over it.

The text is a JSON array of every column, each a string or null, without spaces: a field cannot run into its
neighbour, and nothing is not the same as an empty text. Both databases build the same text, so a chain may be
compared across them. Nothing heavy is imported here: the processes that verify a chain start with this module.
"""

from hashlib import sha256

GENESIS = "0" * 64
"""What stands before the first seal of every chain."""

NUMBER, INSTANT, UUID, TEXT = "number", "instant", "uuid", "text"
SEALED_COLUMNS = {
    "id": NUMBER,
    "at": INSTANT,
    "verb": TEXT,
    "originator": TEXT,
    "actor_id": UUID,
    "actor_name": TEXT,
    "role": TEXT,
    "site_id": UUID,
    "patient_id": UUID,
    "record_type": TEXT,
    "record_id": TEXT,
    "field": TEXT,
    "old": TEXT,
    "new": TEXT,
    "reason": TEXT,
    "reason_sealed": TEXT,
    "request_id": TEXT,
}
"""Every column of ``audit_event``, in the order of the text. A column that comes later is not covered by the seals
that exist: it needs a text of its own, chosen by when the entry was sealed, and a test fails until that is decided."""


def entry_text(table: str, *, is_sqlite: bool) -> str:
    """The SQL expression of an entry's text, as bytes in UTF-8. ``table`` is the name or alias of ``audit_event``."""
    fields = ", ".join(_field(f"{table}.{name}", kind, is_sqlite) for name, kind in SEALED_COLUMNS.items())
    if is_sqlite:
        return f"CAST(json_array({fields}) AS BLOB)"
    return f"convert_to(array_to_json(ARRAY[{fields}])::text, 'UTF8')"


def instant_text(column: str, *, is_sqlite: bool) -> str:
    """The SQL expression of an instant as fixed text, UTC with six decimals: 2027-03-01 00:00:00.000000."""
    # SQLite keeps exactly this text.
    return column if is_sqlite else f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"


def link(previous: bytes, seq: int, chain: bytes, sealed_at: bytes, text: bytes) -> str:
    """The hash that ties an entry to all before it: over the hash before, its place, when it was sealed, its text."""
    # A text has no line break of its own (JSON writes them as \n), so the last line is always the whole entry.
    return sha256(b"%b\n%d\n%b\n%b\n%b" % (previous, seq, chain, sealed_at, text)).hexdigest()


def _field(column: str, kind: str, is_sqlite: bool) -> str:
    if kind == INSTANT:
        return instant_text(column, is_sqlite=is_sqlite)
    if kind == NUMBER:
        return f"CAST({column} AS text)"
    if kind == UUID and not is_sqlite:
        return f"replace({column}::text, '-', '')"
    return column
