"""The README names every setting there is, and none that is not."""

import re
from dataclasses import fields

from backend.config import PREFIX, Settings
from tests.promises.pages import PACKAGES, ROOT, python_files, table

NAME = re.compile(rf"\b{PREFIX}[A-Z_]+[A-Z]\b")


def test_the_table_of_settings_is_what_the_program_reads():
    told = [row[0] for row in table(ROOT / "README.md", "setting")]

    # Where several settings make one thing, the field names them.
    read = [name for field in fields(Settings) for name in field.metadata.get("settings", [field.name.upper()])]
    assert told == [PREFIX + name for name in read]


def test_no_other_variable_is_read_in_silence():
    read = {name for _, path in python_files(*PACKAGES) for name in NAME.findall(path.read_text(encoding="utf-8"))}

    assert read - set(NAME.findall((ROOT / "README.md").read_text(encoding="utf-8"))) == set()
