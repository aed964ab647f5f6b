"""A wrong instrument file is answered with file, line and field."""

import shutil

import pytest

from backend.errors import BadSeedFile
from seeds.questionnaires import INSTRUMENTS, read_instruments, read_terminology


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(INSTRUMENTS, tmp_path / "instruments")


def line_of(path, text):
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def change(folder, name, old, new):
    path = folder / name
    text = path.read_text()
    assert old in text
    line = line_of(path, old.splitlines()[0])
    path.write_text(text.replace(old, new, 1))
    return line


@pytest.mark.parametrize(
    ("name", "old", "new", "field"),
    [
        ("core.yaml", "[frequency, severity],", "[severity, frequency],", "symptoms.2.attributes"),
        ("core.yaml", 'ctcae: "10002646"', 'ctcae: "99999999"', "symptoms.1.ctcae"),
        ("core.yaml", 'ctcae: "10002646"', 'ctcae: "10002646", colour: red', "symptoms.1.colour"),
        ("core.yaml", "source_number: 8,", "source_number: 81,", "symptoms.1.source_number"),
        ("core.yaml", "part: core", "part: kernel", "part"),
        ("checklist.yaml", '{slug: fainted, ctcae: "10042772"}', '{slug: fainted, ctcae: 10042772}', "signs.4.ctcae"),
        ("checklist.en.yaml", "none_of_these: None of these", "none_of_these: ''", "none_of_these"),
        ("core.zh-CN.yaml", "language: zh-CN", "language: en", "language"),
        ("core.en.yaml", "    name: Tiredness", "    name: A\n    frequency: B", "symptoms.fatigue.frequency"),
        ("common.en.yaml", "  sign: [", "  sign: [Maybe, ", "choices.sign"),
        ("measurements.yaml", "minimum: 34.0, maximum: 43.0", "minimum: 43.0, maximum: 34.0", "measurements.0.maximum"),
        ("instruments.yaml", "checklist, recall: P7D}", "checklist, recall: P8D}", "instruments.0.parts.0.recall"),
        ("instruments.yaml", "{part: extended,", "{part: extra,", "instruments.2.parts.0.part"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_file_line_and_field(folder, name, old, new, field):
    line = change(folder, name, old, new)

    with pytest.raises(BadSeedFile) as refusal:
        read_instruments(folder)

    named, _, rest = refusal.value.detail.partition(":")
    said_line, _, rest = rest.partition(":")
    assert named == name
    # A field added on its own line stands one below the line it was added after.
    assert int(said_line) - line in (0, 1)
    assert rest.strip().startswith(f"{field}:")


def test_a_question_missing_in_one_language_is_named(folder):
    change(folder, "core.zh-CN.yaml", "    severity: 您的皮肤最痒时有多重？\n", "")

    with pytest.raises(BadSeedFile, match=r"core\.zh-CN\.yaml:\d+: symptoms\.itching\.severity: Is missing\."):
        read_instruments(folder)


def test_a_symptom_that_nobody_could_find_by_typing_is_named(folder):
    words = next(line for line in (folder / "search.en.yaml").read_text().splitlines() if line.startswith("  cough:"))
    change(folder, "search.en.yaml", f"{words}\n", "")

    with pytest.raises(BadSeedFile, match=r"search\.en\.yaml:\d+: words\.cough: Is missing\."):
        read_instruments(folder)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("  cough: [", "  sneeze: [achoo]\n  cough: [", r"words\.sneeze: Belongs to nothing\."),
        ("  cough: [咳,", "  cough: [咳, 咳,", r"words\.cough: .*咳: written twice\."),
        ("  cough: [咳,", "  cough: ['',", r"words\.cough\.0: "),
        ("language: zh-CN", "language: en", r"language: Must be zh-CN"),
    ],
)
def test_a_mistake_among_the_search_words_is_named(folder, old, new, complaint):
    change(folder, "search.zh-CN.yaml", old, new)

    with pytest.raises(BadSeedFile, match=rf"search\.zh-CN\.yaml:\d+: {complaint}"):
        read_instruments(folder)


def test_a_question_that_belongs_to_no_item_is_named(folder):
    change(folder, "checklist.en.yaml", "questions:\n", "questions:\n  itchy_nose: Did your nose itch?\n")

    with pytest.raises(BadSeedFile, match=r"checklist\.en\.yaml:\d+: questions\.itchy_nose: Belongs to nothing\."):
        read_instruments(folder)


def test_an_instrument_without_a_title_in_one_language_is_named(folder):
    change(folder, "common.zh-CN.yaml", "  weekly: 每周问卷\n", "")

    with pytest.raises(BadSeedFile, match=r"common\.zh-CN\.yaml:\d+: titles\.weekly: Is missing\."):
        read_instruments(folder)


def test_a_sign_on_no_screen_is_named(folder):
    change(folder, "checklist.yaml", "seizure, fainted, breathless_at_rest]", "seizure, fainted]")

    with pytest.raises(BadSeedFile, match=r"checklist\.yaml:\d+: screens: .*breathless_at_rest"):
        read_instruments(folder)


def test_a_missing_wording_file_is_named(folder):
    (folder / "extended.zh-CN.yaml").unlink()

    with pytest.raises(BadSeedFile, match=r"extended\.zh-CN\.yaml:1: "):
        read_instruments(folder)


def test_two_parts_of_one_instrument_may_not_share_an_item(folder):
    change(
        folder,
        "instruments.yaml",
        "- {part: core, recall: P7D}\n",
        "- {part: core, recall: P7D}\n      - {part: core, recall: P7D}\n",
    )

    with pytest.raises(BadSeedFile, match=r"instruments\.yaml:\d+: instruments\.1\.parts\.1\.part: Shares items"):
        read_instruments(folder)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("1234,Eye disorders,Squint,1 2", r"ctcae\.csv:2: code: "),
        ("10000001,Eye disorders,Squint,1 6", r"ctcae\.csv:2: grades: "),
        ("10000001,Eye disorders,Squint,2 1", r"ctcae\.csv:2: grades: "),
        ("10000001,Eye disorders,,1 2", r"ctcae\.csv:2: term: "),
        (
            "10000001,Eye disorders,Squint,1 2\n10000001,Eye disorders,Squint again,1",
            r"ctcae\.csv:3: code: Written twice",
        ),
    ],
)
def test_a_wrong_row_of_the_terminology_is_named(tmp_path, row, complaint):
    path = tmp_path / "ctcae.csv"
    path.write_text(f"code,soc,term,grades\n{row}\n")

    with pytest.raises(BadSeedFile, match=complaint):
        read_terminology(path)
