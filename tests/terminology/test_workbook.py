"""A workbook is read with distrust: whatever is not understood is named by sheet, row and column."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from backend.errors import BadWorkbook
from backend.terminology import workbook as reading
from backend.terminology.workbook import read_workbook
from tests.terminology.workbooks import CHILLS, FEVER, HEADINGS, NEW, SHEET, other, workbook


def refusal(path: Path, **how: Any) -> str:
    with pytest.raises(BadWorkbook) as refused:
        read_workbook(path, **how)
    return refused.value.detail


def test_the_terms_are_read_in_one_spacing_with_the_grades_that_exist(tmp_path: Path) -> None:
    title = [("Common Terminology Criteria", None), ()]
    path = workbook(tmp_path, HEADINGS, FEVER, (), ("A footnote by itself",), CHILLS, headings=title[0])
    told: list[tuple[int, int]] = []

    read = read_workbook(path, progress=lambda done, of: told.append((done, of)))

    assert (read.sheet, read.version) == (SHEET, "5.0")
    fever, chills = read.terms
    assert (fever.row, fever.code, fever.name, sorted(fever.criteria)) == (3, "10016558", "Fever", [1, 2, 3, 4, 5])
    assert (fever.definition, fever.note, chills.definition) == ("A made-up definition", None, None)
    assert (chills.code, chills.criteria) == ("10008531", {1: "cold", 2: "very cold", 3: "so cold"})
    assert told[-1] == (len(told), len(told))


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (other(FEVER, code="1001655"), "row 3: MedDRA Code: must be eight digits, not '1001655'"),
        (other(FEVER, code=10016558.4), "row 3: MedDRA Code: must be eight digits"),
        (other(FEVER, code=None), "row 3: MedDRA Code: must be eight digits, not ''"),
        (other(FEVER, code="10008531"), "row 3: MedDRA Code: 10008531 stands in row 2 already"),
        (other(FEVER, soc=None), "row 3: MedDRA SOC: is empty"),
        (other(FEVER, term=" "), "row 3: CTCAE Term: is empty"),
        (other(FEVER, g2=38.5), "row 3: Grade 2: is no text"),
        (other(FEVER, g3=True), "row 3: Grade 3: is no text"),
        (other(FEVER, g4='=HYPERLINK("http://127.0.0.1")'), "row 3: Grade 4: is a formula"),
        (other(FEVER, code="=1+1"), "row 3: MedDRA Code: is a formula"),
        (other(FEVER, definition="x" * 8001), "row 3: Definition: is longer than 8000 characters"),
        (other(FEVER, note="a\ud7ff\ue000b"), "row 3: Navigational Note: holds characters"),
        (other(FEVER, g1="-", g2="-", g3="-", g4="-", g5=None), "row 3: Grade 1: the term has no grade at all"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, row: tuple[Any, ...], complaint: str) -> None:
    assert f"terms.xlsx: {SHEET}: {complaint}" in refusal(workbook(tmp_path, CHILLS, row))


def test_all_that_is_wrong_is_told_at_once_and_not_for_ever(tmp_path: Path) -> None:
    wrong = [other(FEVER, code=f"{number}", soc=None) for number in range(20)]

    lines = refusal(workbook(tmp_path, *wrong)).splitlines()

    assert (len(lines), lines[-1]) == (21, "and 20 more")


def test_the_sheet_of_terms_is_found_among_others(tmp_path: Path) -> None:
    notes, tracked = [["Read me"]], [HEADINGS, other(FEVER, g1="struck out")]
    found = workbook(tmp_path, FEVER, more={"Notes": notes, "Tracked Changes": tracked})
    unclear = workbook(tmp_path, FEVER, sheet="One", more={"Two": tracked}, name="two.xlsx")

    assert read_workbook(found).terms[0].criteria[1] == "made-up words for fever 1"
    assert "several sheets hold terms (One, Two); say which one with --sheet" in refusal(unclear)
    assert read_workbook(unclear, sheet="Two").terms[0].criteria[1] == "struck out"
    assert "has no sheet Three; its sheets are: One, Two" in refusal(unclear, sheet="Three")


def test_the_version_is_what_the_sheet_or_the_headings_or_the_file_says(tmp_path: Path) -> None:
    with_versions = ["MedDRA v28.0 Code", "MedDRA SOC", "CTCAE v6.0 Term", *HEADINGS[3:]]
    headed = workbook(tmp_path, NEW, headings=with_versions, sheet="Terms", name="headed.xlsx")
    named = workbook(tmp_path, NEW, sheet="Terms", name="CTCAE_v6.xlsx")
    silent = workbook(tmp_path, NEW, sheet="Terms")

    assert [read_workbook(path).version for path in (headed, named, silent)] == ["6.0", "6.0", None]


def test_what_is_no_list_of_terms_is_refused(tmp_path: Path) -> None:
    lacking = workbook(tmp_path, FEVER, headings=[*HEADINGS[:6], "Grade four", *HEADINGS[7:]], name="lacking.xlsx")
    without = workbook(tmp_path, name="without.xlsx")
    text = tmp_path / "text.xlsx"
    text.write_text("MedDRA Code,CTCAE Term\n", encoding="utf-8")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(workbook(tmp_path, FEVER).read_bytes()[:-200])
    other_zip = tmp_path / "zip.xlsx"
    with zipfile.ZipFile(other_zip, "w") as packed:
        packed.writestr("hello.txt", "hello")

    assert f"{SHEET}: row 1: there is no column Grade 4." in refusal(lacking)
    assert "row 1: CTCAE Term: there is no term below" in refusal(without)
    assert [refusal(path).split(": ", 1)[1] for path in (text, broken)] == [
        "is no .xlsx workbook; take the Excel file, without a password."
    ] * 2
    assert "cannot be read as a workbook" in refusal(other_zip)


def test_what_would_fill_the_memory_is_never_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/sharedStrings.xml", b"0" * (reading.LARGEST_CONTENT + 1))
    entities = tmp_path / "entities.xlsx"
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    laughs = (
        f'<!DOCTYPE s [<!ENTITY l0 "lol">{levels}]><worksheet><sheetData><row r="1">&l8;</row></sheetData></worksheet>'
    )
    with zipfile.ZipFile(workbook(tmp_path, FEVER)) as sound, zipfile.ZipFile(entities, "w") as packed:
        for part in sound.namelist():
            packed.writestr(part, laughs if part == "xl/worksheets/sheet1.xml" else sound.read(part))
    long = workbook(tmp_path, FEVER, *[("x",)] * 3, name="long.xlsx")
    monkeypatch.setattr(reading, "LAST_ROW", 3)

    assert "unpacks to more than 40 MB" in refusal(bomb)
    assert "cannot be read as a workbook" in refusal(entities)
    assert "has more than 3 rows" in refusal(long)
    monkeypatch.setattr(reading, "LARGEST_FILE", 100)
    assert "is larger than" in refusal(long)
