"""What is kept of a family is what was found, and a plan after an edit thinks only of what the edit can reach."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from planner.digest import kept, manifest, restored
from planner.digest.key import keys_of
from planner.digest.retold import Retold
from planner.digest.trace import Traced
from planner.digest.written import Unreadable
from planner.local import cache_file
from planner.local.git_tree import worktree
from planner.sources import yaml_file
from planner.sources.dockerfile import instructions
from tests.digest.test_known import FILES, loaded_from
from tests.local.test_answer_cache import PLAN, Said, Shell, commit, flipped
from tests.workspace import Workspace


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    yield Shell(tmp_path / "family")


def unthinking(shell: Shell) -> Said:
    """A plan by which neither the graph file nor a Dockerfile is read."""
    never = mock.Mock(side_effect=AssertionError("was read"))
    with mock.patch.object(yaml_file, "read", never), mock.patch.object(instructions, "parse", never):
        return shell.ask(*PLAN)


EDITS: dict[str, Callable[[Shell], None]] = {
    "a file": lambda shell: shell.space.write({"src/a.c": "int other;\n"}),
    "a new file": lambda shell: shell.space.write({"src/new.c": "int new;\n"}),
    "a file that is gone": lambda shell: (shell.space.root / "src/a.c").unlink(),
    "an ignore file": lambda shell: shell.space.write({".dockerignore": "src\n"}),
    "a file that nobody reads": lambda shell: shell.space.write({"elsewhere/x": "x\n"}),
    "another commit": lambda shell: (shell.space.write({"src/a.c": "int other;\n"}), commit(shell))[0],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_after_an_edit_nothing_is_read_that_was_read_before(shell: Shell, edit: Callable[[Shell], None]) -> None:
    shell.ask(*PLAN)
    edit(shell)
    assert unthinking(shell) == shell.without_cache()[0]


def test_only_what_an_edit_reaches_is_looked_at(shell: Shell) -> None:
    shell.ask(*PLAN)
    shell.space.write({"docs/index.md": "edited\n"})
    made = manifest.Manifests.remade
    with mock.patch.object(manifest.Manifests, "remade", autospec=True, side_effect=made) as remade:
        shell.ask(*PLAN)
    assert {call.args[1].name for call in remade.call_args_list} == {"docs", "app"}


@pytest.mark.parametrize("path", ["images.yaml", "tool.Dockerfile"])
def test_a_family_that_is_written_otherwise_is_read(shell: Shell, path: str) -> None:
    shell.ask(*PLAN)
    text = (shell.space.root / path).read_text()
    shell.space.write({path: text.replace("VERSION=3", "VERSION=4").replace('LEVEL: "1"', 'LEVEL: "2"')})
    out = shell.ask(*PLAN)[1]
    assert "build" in out
    assert out == shell.without_cache()[0][1]


def test_a_variable_of_the_environment_that_changes(shell: Shell) -> None:
    graph = (shell.space.root / "images.yaml").read_text()
    shell.space.write({"images.yaml": graph.replace('UNUSED: "1"', 'UNUSED: "${OTHER:-1}"')})
    commit(shell)
    shell.ask(*PLAN)
    shell.environment["LEVEL"] = "7"
    assert shell.ask(*PLAN) == shell.without_cache()[0]


def test_facts_of_another_planner_or_damaged_ones(shell: Shell) -> None:
    shell.ask(*PLAN)
    shell.space.write({"src/a.c": "int other;\n"})
    want = shell.without_cache()[0]
    (place,) = shell.cache.glob("facts-*")
    whole = place.read_bytes()
    groups = cache_file.read(os.fspath(place))
    assert groups is not None
    for text in ("", "{}", "[]", groups[3][0][:-9], groups[3][0].replace('"parent"', '"parrot"')):
        for answer in shell.cache.glob("answer-*"):
            answer.unlink()
        cache_file.write(os.fspath(place), [groups[0], groups[1], groups[2], [text]])
        assert shell.ask(*PLAN) == want
    for data in (flipped(whole), whole[:-5], b"", whole.replace(groups[0][0].encode(), b"?")):
        for answer in shell.cache.glob("answer-*"):
            answer.unlink()
        place.write_bytes(data)
        assert shell.ask(*PLAN) == want


def test_what_is_kept_is_what_was_found(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write(FILES)
    space.write({"tool/Dockerfile": FILES["tool/Dockerfile"] + "COPY --parents --exclude=*.md gone* /x\nLABEL a=b\n"})
    (space.root / "app/inner/link").symlink_to("e")
    space.commit()
    tree = worktree(space.root)
    traced = Traced(tree)
    found = keys_of(loaded_from(traced), tree, None, traced.taken())
    again = restored.read(kept.write(found.facts))
    assert again.loaded.family == found.facts.loaded.family
    assert again.loaded.graph == found.facts.loaded.graph
    assert dict(again.manifests) == dict(found.manifests)
    assert (again.by_platform, again.traces) == (found.facts.by_platform, found.facts.traces)
    assert (again.definition, again.remarkable) == (found.facts.definition, found.facts.remarkable)
    assert again.definition is not None
    assert Retold(tree).agrees(again.definition)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": 3}', '{"images": [[]]}', "nonsense"])
def test_what_was_never_written_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        restored.read(text)
