"""Terms in the database: looked up by code, found by what staff type, shown in the reader's language."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.db import Database, system
from backend.errors import InvalidInput, NotFound
from backend.terminology.search import entry_of, find_terms
from backend.terminology.terms import grades_that_exist, term_of, terms_of, versions
from tests import people

API = "/api/v1/terminology/ctcae"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MEANT = {
    "fever": "Fever",
    "发烧": "Fever",
    "fevr": "Fever",
    "Diarrhoea": "Diarrhea",
    "diarhea": "Diarrhea",
    "拉肚子": "Diarrhea",
    "ALT": "Alanine aminotransferase increased",
    "谷丙转氨酶": "Alanine aminotransferase increased",
    "CRS": "Cytokine release syndrome",
    "GVHD": "Immune system disorders - Other, specify",
    "移植物抗宿主病": "Immune system disorders - Other, specify",
    "icans": "Nervous system disorders - Other, specify",
    "hypotenson": "Hypotension",
    "anaemia": "Anemia",
    "platlet": "Platelet count decreased",
    "白细胞底": "White blood cell decreased",
    "黄疸": "Blood bilirubin increased",
    "oedema limbs": "Edema limbs",
    "oesophageal varices haemorrhage": "Esophageal varices hemorrhage",
    "bilirubn": "Blood bilirubin increased",
    "10042772": "Syncope",
    "kidney failure": "Acute kidney injury",
}


def test_a_term_is_looked_up_by_its_code_in_a_version(db: Database) -> None:
    with db.reading(system("test")) as txn:
        syncope = term_of(txn, "10042772")
        assert syncope is not None
        assert (syncope.name, syncope.grades, syncope.specify, syncope.version) == ("Syncope", {3}, False, "5.0")
        assert [term_of(txn, code, version) for code, version in [("10042772", "6.0"), ("1", "5.0"), ("", "")]] == [
            None
        ] * 3
        assert grades_that_exist(txn, "10021428") == {1, 2, 3, 4, 5}
        assert grades_that_exist(txn, "10000000") == frozenset()
        assert set(terms_of(txn, ["10042772", "10016558", "nothing"])) == {"10042772", "10016558"}
        assert versions(txn) == ["5.0"]


@ON_SQLITE
def test_what_staff_type_finds_the_term_they_mean_first(db: Database) -> None:
    with db.reading(system("test")) as txn:
        first = {typed: find_terms(txn, typed, limit=1).items[0].name for typed in MEANT}
        by_code = [term.code for term in find_terms(txn, "1004", limit=200).items]

        assert first == MEANT
        assert by_code
        assert all(code.startswith("1004") for code in by_code)
        assert find_terms(txn, "Oedema", limit=50) == find_terms(txn, "edema", limit=50)
        assert find_terms(txn, "qqzzxx", limit=5).items == ()
        assert find_terms(txn, "104", limit=5).items == ()


@ON_SQLITE
def test_pages_of_a_search_follow_each_other_without_a_gap(db: Database) -> None:
    with db.reading(system("test")) as txn:
        whole = find_terms(txn, "", limit=1000)
        found = find_terms(txn, "hemorrhage", limit=1000).items
        pages, after = [], 0
        while after is not None:
            page = find_terms(txn, "hemorrhage", limit=7, after=after)
            pages += page.items
            after = page.after

        assert ([term.name for term in whole.items], whole.after) == (sorted(term.name for term in whole.items), None)
        assert (len(whole.items), pages) == (837, list(found))
        assert len(found) > 20
        with pytest.raises(InvalidInput):
            find_terms(txn, "", version="9.9", limit=1)
        with pytest.raises(NotFound):
            entry_of(txn, "10000000")


@ON_SQLITE
def test_all_staff_read_terms_in_their_language_and_nobody_else_does(db: Database, client: Any) -> None:
    english, chinese = {"Accept-Language": "en-GB"}, {"Accept-Language": "zh"}
    everyone = [people.coordinator(db), people.monitor(db), people.administrator(db)]

    answers = [client.get(f"{API}?q=发热&limit=1", headers={**who.headers, **english}) for who in everyone]

    assert [answer.status_code for answer in answers] == [200] * 3
    (fever,) = answers[0].json["items"]
    assert (fever["code"], fever["name"], fever["name_zh"], fever["version"]) == ("10016558", "Fever", "发热", "5.0")
    assert (fever["grades"], fever["specify"], fever["published"]) == ([1, 2, 3, 4, 5], False, None)
    assert (fever["criteria"]["1"], answers[0].headers["Content-Language"]) == ("From 38.0 to 39.0 °C", "en")
    assert fever["hints"]
    in_chinese = client.get(f"{API}/10021428", headers={**everyone[0].headers, **chinese})
    (gvhd,) = in_chinese.json["own_gradings"]
    assert (gvhd["name"], gvhd["allowed"], gvhd["title"]) == (
        "gvhd",
        ["I", "II", "III", "IV"],
        "急性移植物抗宿主病总分级",
    )
    assert list(gvhd["criteria"]) == gvhd["allowed"]
    (icans,) = client.get(f"{API}/10029205", headers=everyone[1].headers).json["own_gradings"]
    assert (icans["name"], icans["allowed"]) == ("icans", ["1", "2", "3", "4"])
    phone = people.phone_of(db, people.ann(db))
    assert [client.get(API, headers=headers).status_code for headers in (phone.headers, {})] == [403, 401]


@ON_SQLITE
def test_a_list_of_all_terms_comes_in_pages_and_bad_questions_are_refused(db: Database, client: Any) -> None:
    who = people.monitor(db).headers
    get: Callable[[str], Any] = lambda query: client.get(f"{API}{query}", headers=who)  # noqa: E731

    first = get("?limit=200").json
    codes = [term["code"] for term in first["items"]]
    while first["next_cursor"]:
        first = get(f"?limit=200&cursor={first['next_cursor']}").json
        codes += [term["code"] for term in first["items"]]

    assert (len(codes), len(set(codes))) == (837, 837)
    refused = ["?version=6.0", "?version=five", "?limit=0", "?limit=201", f"?q={'x' * 101}", "?cursor=nonsense", "?w=1"]
    assert [get(query).status_code for query in refused] == [422] * len(refused)
    assert get("?version=6.0").json["errors"] == {"version": ["There is no such version; there are: 5.0."]}
    assert get("?cursor=WyItNSJd").status_code == 422
    assert [get(path).status_code for path in ("/10000000", "/fever", "/10016558?version=9.9")] == [404, 404, 422]
    assert get("?q=%00").status_code in (200, 422)
