"""Every refusal has one code, one status and one line in docs/errors.md."""

from backend.api.problems import STATUS
from backend.errors import FollowupError, Kind, catalogue
from tests.promises.pages import DOCS, table


def everything_that_can_go_wrong() -> list[type[FollowupError]]:
    return list(catalogue())


def test_no_two_failures_share_a_code():
    codes = [failure.code for failure in everything_that_can_go_wrong()]

    assert sorted(codes) == sorted(set(codes))


def test_every_failure_says_what_it_is():
    silent = [
        failure.__name__ for failure in everything_that_can_go_wrong() if not failure.title or not failure.__doc__
    ]

    assert silent == []


def test_every_kind_of_failure_has_a_status():
    assert [kind for kind in Kind if kind not in STATUS] == []


def test_the_page_lists_every_code_with_its_status_and_no_other():
    told = {code: int(status) for code, status, *_ in table(DOCS / "errors.md", "code")}

    assert told == {failure.code: STATUS[failure.kind] for failure in everything_that_can_go_wrong()}


def test_the_page_says_of_every_code_when_it_comes_and_what_to_do():
    assert [row[0] for row in table(DOCS / "errors.md", "code") if not all(row)] == []
