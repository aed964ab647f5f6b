"""Reading an iCalendar file by the letter of RFC 5545, with nothing of what wrote it."""

import re
from dataclasses import dataclass, field

LINE = re.compile(r"(?P<name>[A-Z0-9-]+)(?P<parameters>(;[A-Z0-9-]+=(\"[^\"]*\"|[^\";:,]*))*):(?P<value>.*)")
ESCAPED = re.compile(r"\\([\\;,nN])")


@dataclass
class Component:
    """What stands between BEGIN and END: values by name with parameters, and the components within."""

    name: str
    values: dict[str, str] = field(default_factory=dict)
    within: "list[Component]" = field(default_factory=list)

    def all(self, name: str) -> "list[Component]":
        """The components within that are called so."""
        return [one for one in self.within if one.name == name]


def read(text: str) -> Component:
    """The calendar. Asserts section 3.1: CRLF, at most 75 octets a line, whole letters, BEGIN and END in pairs."""
    raw = text.encode()
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    lines = raw.removesuffix(b"\r\n").split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    for line in lines:
        line.decode()
    found = Component("")
    open_ones = [found]
    for line in _unfolded(lines):
        _take(line, open_ones)
    assert len(open_ones) == 1
    (calendar,) = found.within
    return calendar


def _unfolded(lines: list[bytes]) -> list[str]:
    whole: list[bytes] = []
    for line in lines:
        if line.startswith((b" ", b"\t")):
            whole[-1] += line[1:]
        else:
            whole.append(line)
    return [line.decode() for line in whole]


def _take(line: str, open_ones: list[Component]) -> None:
    said = LINE.fullmatch(line)
    assert said, line
    if said["name"] == "BEGIN":
        begun = Component(said["value"])
        open_ones[-1].within.append(begun)
        open_ones.append(begun)
    elif said["name"] == "END":
        assert open_ones.pop().name == said["value"]
    else:
        assert said["name"] not in open_ones[-1].values, line
        open_ones[-1].values[said["name"] + said["parameters"]] = ESCAPED.sub(_meant, said["value"])


def _meant(escaped: re.Match[str]) -> str:
    return "\n" if escaped[1] in "nN" else escaped[1]
