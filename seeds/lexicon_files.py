"""The lexicon's files, held against the terminology and put together: the content of one version."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.free_text.lexicon import NAME
from backend.terms import Language
from schemas.lexicon_files import LexiconFile
from schemas.seed_files import read_seed_file, read_yaml

LEXICON = Path(__file__).parent / "lexicon"
TOGETHER = ("meaningless", "fillers", "never_bent", "written_as")

Content = dict[str, Any]


def read_lexicon(terminology: Mapping[str, Any], folder: Path = LEXICON) -> Content:
    """What people say for the terms, in all languages. Raises ``BadSeedFile`` when a term is not in the terminology."""
    codes = {term["term"]: term["code"] for term in terminology["terms"]}
    files = {language.value: _read(folder / f"words.{language}.yaml", language.value, codes) for language in Language}
    names = sorted({name for file in files.values() for name in file["terms"]}, key=lambda name: codes[name])
    said = {
        name: {code: file["terms"][name] for code, file in files.items() if name in file["terms"]} for name in names
    }
    together = {part: [word for file in files.values() for word in file[part]] for part in TOGETHER}
    return {
        "name": NAME,
        "terms": [{"code": codes[name], "name": name, "words": said[name]} for name in names],
        "negations": {code: file["negations"] for code, file in files.items()},
        "never_between": "".join(file["never_between"] for file in files.values()),
        **together,
    }


def _read(path: Path, language: str, codes: Mapping[str, str]) -> Content:
    file = read_seed_file(path, LexiconFile())
    wrong: dict[tuple[str, ...], list[str]] = {
        ("terms", name): [f"{name} is not in the terminology."] for name in file["terms"] if name not in codes
    }
    if file["language"] != language:
        wrong["language",] = [f"Must be {language}, as the file is named."]
    if wrong:
        raise read_yaml(path).complaint(wrong)
    return file
