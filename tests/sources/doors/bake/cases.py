"""Bake files modelled on the documented features, as `cases/*.txt` holds them.

`=== NAME` begins a case, `(refused)` after it says that both readers refuse it; `$` is the command line; `--- FILE`
begins a file, whose last line ends in no newline where a backslash stands at its end.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.sources.doors.bake.oracle import Case

FOLDER = Path(__file__).parent / "cases"
REFUSED = " (refused)"
ODD = (
    Case(
        name="windows line ends",
        files={
            "docker-bake.hcl": 'target "default" {\r\n  tags = [\r\n    "x:1"\r\n  ]\r\n'
            "  dockerfile-inline = <<EOT\r\nFROM x\r\nEOT\r\n}\r\n"
        },
    ),
    Case(name="a mark at the beginning", files={"docker-bake.hcl": '\ufefftarget "default" {}\n'}),
)
"""What a text file would not show."""


def read(text: str) -> Iterator[Case]:
    """The cases of one file."""
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        head, *files = re.split(r"^--- ", part, flags=re.MULTILINE)
        name, line = head.rstrip("\n").split("\n")
        contents = dict(file.split("\n", 1) for file in files)
        yield _case(name, line, {path: _content(content) for path, content in contents.items()})


def _content(text: str) -> str:
    text = text.rstrip("\n")
    return text[:-1] if text.endswith("\\") else f"{text}\n"


def _case(name: str, line: str, files: dict[str, str]) -> Case:
    words = shlex.split(line.removeprefix("$ "))
    given = words[: words.index("bake")]
    options: dict[str, list[str]] = {"-f": [], "--set": [], "--var": []}
    targets = []
    rest = iter(words[len(given) + 1 :])
    for word in rest:
        if word in options:
            options[word].append(next(rest))
        else:
            targets.append(word)
    return Case(
        name=name.removesuffix(REFUSED),
        files=files,
        targets=targets,
        sets=options["--set"],
        variables=dict(word.split("=", 1) for word in options["--var"]),
        environment=dict(word.split("=", 1) for word in given),
        chosen=options["-f"],
        fails=name.endswith(REFUSED),
    )


CASES = (*(case for file in sorted(FOLDER.glob("*.txt")) for case in read(file.read_text())), *ODD)
"""All cases."""
