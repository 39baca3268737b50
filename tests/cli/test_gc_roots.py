"""What keeps images: heads of refs and pull requests, the keep list, days; what cannot be told stops clean-up."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cleaned import CLIENT, DAY, Space, cleaned_space
from tests.engine.engine import Engine
from tests.registry.apis import running_api
from tests.registry.stocked import key_of, stock
from tests.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> Iterator[Space]:
    with cleaned_space(tmp_path, engine) as made:
        yield made


@pytest.mark.parametrize("days", ["nan", "inf", "-inf", "1e400", "-1", "1e9", "soon"])
@pytest.mark.parametrize("option", ["--grace", "--wait"])
def test_days_are_a_number_that_ends(tmp_path: Path, option: str, days: str) -> None:
    """Nothing is younger than "not a number" of days."""
    for more in ((), ("--format", "artifact-registry")):
        refused = Workspace(tmp_path / "none").planner("gc", f"{option}={days}", *more)
        assert refused.returncode == 2, refused.stdout
        assert f"{option}: is a number of days from 0 to 100,000" in refused.stderr


@pytest.mark.parametrize("count", ["-1", "4294967296"])
def test_more_commits_than_git_counts_are_none(tmp_path: Path, count: str) -> None:
    refused = Workspace(tmp_path / "none").planner("gc", f"--last={count}")
    assert refused.returncode == 2, refused.stdout
    assert "--last is a number from 0 to 1,000,000" in refused.stderr


def test_heads_of_open_pull_requests_keep_their_images(space: Space, tmp_path: Path) -> None:
    space.git("checkout", "-q", "--detach")
    space.write({"Dockerfile": "FROM scratch\nCOPY images.yaml /\n"})
    space.commit()
    head, key = space.git("rev-parse", "HEAD").strip(), space.keys()["tool"]
    space.git("checkout", "-q", "main")
    theirs = stock(CLIENT, space.repository, key, at=time.time() - 30 * DAY)
    opened = tmp_path / "open.json"
    opened.write_text(json.dumps([{"number": 21, "headRefOid": head}]))

    def why(*arguments: str) -> str:
        plan = space.gc("--ref", "main", "--last", "1", *arguments)
        return next(str(one["why"]) for one in plan["manifests"] if one["digest"] == theirs)

    assert why() == "no ref, pin or lease leads to it"
    assert why("--pull-requests", os.fspath(opened)) == "is wanted: pull request 21"
    with running_api(lambda *_: (200, [{"number": 21, "state": "open", "head": {"sha": head}}])) as api:
        run = space.planner("gc", "--pull-requests", "api", GITHUB_API_URL=api.url, GITHUB_REPOSITORY="acme/images")
    assert "is wanted: pull request 21" in run.stdout, run.stderr
    opened.write_text(f"21 {'b' * 40}\n")
    assert "is not in this clone" in space.gc("--pull-requests", os.fspath(opened), "--apply", status=1)["error"]
    opened.write_text("21\n")
    assert "nothing tells the head of 21" in space.gc("--pull-requests", os.fspath(opened), status=1)["error"]


def test_a_ref_whose_graph_file_is_elsewhere_stops_it(space: Space) -> None:
    """Its images would seem unwanted; so they would for a pull request from before the move."""
    space.git("branch", "release/1")
    head = space.git("rev-parse", "HEAD").strip()
    space.git("checkout", "-q", "--orphan", "gh-pages")
    space.git("rm", "-q", "-r", "--cached", ".")
    space.write({"index.html": "<p>\n"})
    space.git("add", "index.html")
    space.git("commit", "-q", "-m", "pages")
    space.git("checkout", "-q", "-f", "main")
    (space.root / "docker").mkdir()
    space.git("mv", "images.yaml", "Dockerfile", "docker")
    space.write({"docker/Dockerfile": "FROM scratch\nCOPY images.yaml /\n"})
    space.commit()

    def moved(*arguments: str) -> subprocess.CompletedProcess[str]:
        return space.planner("-C", os.fspath(space.root / "docker"), "gc", *arguments, "--format", "json")

    for refs in ((), ("--ref", "release/*"), ("--ref", "*")):
        stopped = moved(*refs, "--apply")
        assert stopped.returncode == 1, stopped.stdout
        assert f"release/1 ({head[:12]}): no graph file is where it is today" in stopped.stderr
        assert "--ref '!release/1'" in stopped.stderr
        assert "gh-pages" not in stopped.stderr.partition("nothing is removed")[2]
    opened = space.root.parent / "open.json"
    opened.write_text(json.dumps([{"number": 21, "headRefOid": head}]))
    asked = ("--ref", "main", "--pull-requests", os.fspath(opened))
    assert "--ref '!pull/21'" in moved(*asked).stderr
    assert CLIENT.digest_of(space.repository, space.current) == space.current
    for refs in (("--ref", "!release/*"), (*asked, "--ref", "!pull/21")):
        left_out = moved(*refs)
        assert left_out.returncode == 0, left_out.stderr
        assert "HEAD~1" in left_out.stderr
        assert "no graph file is where it is today, so that nothing is kept for" in left_out.stderr
    assert "warning: gh-pages, HEAD~1: no graph" in moved("--ref", "!release/*").stderr


def test_lines_of_the_keep_list_that_keep_nothing_stop_it(space: Space, tmp_path: Path) -> None:
    listed = tmp_path / "keep"

    def states(text: bytes) -> dict[str, str]:
        listed.write_bytes(text)
        plan = space.gc("--ref", "main", "--keep", os.fspath(listed))
        return {one["digest"]: one["state"] for one in plan["manifests"]}

    for line in (space.old, key_of(1), f"tool:{key_of(1)}", f"tool:rec-{key_of(1)}", "t*:x3-*01  # for the audit"):
        assert states(f"# kept\n{line}\n".encode())[space.old] == "keep"
    marked = states(b"\xef\xbb\xbf" + f"tool:{key_of(1)}\n".encode())
    assert marked[space.old] == "keep", "a byte order mark is no part of a name"
    for wrong in (f"tol:{key_of(1)}", f"sha256:{'0' * 64}", key_of(7), "tool"):
        listed.write_text(f"tool:*\n{wrong}\n")
        error = space.gc("--ref", "main", "--keep", os.fspath(listed), "--apply", status=1)["error"]
        assert f'{listed}: nothing is called "{wrong}"' in error
        assert "nothing is removed" in error
    assert CLIENT.digest_of(space.repository, key_of(1)) == space.old


BAKE = """\
variable "REGISTRY_TOKEN" {
  default = ""
  validation {
    condition = REGISTRY_TOKEN == ""
    error_message = "x ${base64encode(REGISTRY_TOKEN)}"
  }
}
target "tool" { dockerfile = "Dockerfile" }
"""


@pytest.mark.parametrize("files", [{"docker-bake.hcl": BAKE}, {"images.yaml": "PLAIN"}])
def test_the_graph_of_a_pull_request_sees_no_secret_of_the_run(
    space: Space, tmp_path: Path, files: dict[str, str]
) -> None:
    """It would tell it in a mistake, in other letters than those that the CI hides."""
    plain = 'version: 1\nvariables: {REGISTRY_TOKEN: ""}\nimages: {tool: {network: "${REGISTRY_TOKEN}"}}\n'
    space.git("checkout", "-q", "--detach")
    space.git("rm", "-q", "images.yaml")
    space.write({name: text.replace("PLAIN", plain) for name, text in files.items()})
    space.commit()
    space.git("branch", "theirs")
    head = space.git("rev-parse", "HEAD").strip()
    space.git("checkout", "-q", "-f", "main")
    opened = tmp_path / "open.json"
    opened.write_text(json.dumps([{"number": 21, "headRefOid": head}]))
    planted = {"REGISTRY_TOKEN": "hidden-word"}
    for heads in (("--ref", "main", "--pull-requests", os.fspath(opened)), ("--ref", "main", "--ref", "theirs")):
        run = space.planner("gc", *heads, **planted)
        assert "hidden-word" not in run.stdout + run.stderr
        assert "aGlkZGVuLXdvcmQ" not in run.stdout + run.stderr
        assert run.returncode == 0, run.stderr


def test_variables_that_the_own_graph_reads_count_for_others(space: Space, tmp_path: Path) -> None:
    text = 'version: 1\nregistry: {}\nvariables: {{WORD: one}}\nimages: {{tool: {{labels: {{l: "${{WORD}}"}}}}}}\n'
    space.write({"images.yaml": text.format(space.repository.removesuffix("/tool"))})
    space.commit()
    space.git("checkout", "-q", "-b", "theirs")
    space.write({"Dockerfile": "FROM scratch\nCOPY images.yaml /\n"})
    space.commit()
    key = json.loads(space.planner("key", "--format", "json", WORD="two").stdout)["keys"]["tool"]
    space.git("checkout", "-q", "main")
    digest = stock(CLIENT, space.repository, key, at=time.time() - 30 * DAY)
    run = space.planner("gc", "--format", "json", WORD="two")
    why = {one["digest"]: one["why"] for one in json.loads(run.stdout)["manifests"]}
    assert why[digest] == "is wanted: theirs", run.stderr


def test_buildx_reads_no_graph_of_others(space: Space, engine: Engine) -> None:
    """It sees every variable."""
    space.git("rm", "-q", "images.yaml")
    space.write({"docker-bake.hcl": 'target "tool" { dockerfile = "Dockerfile" }\n'})
    space.commit()
    environment = {**engine.environment, "PLANNER_REGISTRY": space.repository.removesuffix("/tool")}
    assert space.planner("--via-buildx", "gc", "--ref", "main", "--last", "1", **environment).returncode == 0
    space.git("checkout", "-q", "-b", "theirs")
    space.git("commit", "-q", "--allow-empty", "-m", "theirs")
    space.git("checkout", "-q", "main")
    refused = space.planner("--via-buildx", "gc", "--last", "1", **environment)
    assert refused.returncode == 2
    assert "--via-buildx: has graph files of others read with every variable" in refused.stderr


@pytest.mark.parametrize("heads", [(), ("--ref", "theirs"), ("--ref", "main", "--pull-requests")])
def test_what_others_name_is_not_cleaned(space: Space, tmp_path: Path, heads: tuple[str, ...]) -> None:
    """A pull request that names the image of another family would have its images removed."""
    prefix = space.repository.removesuffix("/tool")
    other = stock(CLIENT, f"{prefix}/other", key_of(7), at=time.time() - 90 * DAY)
    space.git("checkout", "-q", "-b", "theirs")
    graph = (space.root / "images.yaml").read_text()
    space.write({"images.yaml": graph.replace("tool: {}", "tool: {}, other: {}")})
    space.commit()
    opened = tmp_path / "open"
    opened.write_text(f"21 {space.git('rev-parse', 'HEAD')}")
    space.git("checkout", "-q", "main")
    words = (*heads, *([os.fspath(opened)] if heads[2:] else []))
    run = space.planner("gc", *words, "--apply")
    assert run.returncode == 0, run.stderr
    assert CLIENT.digest_of(f"{prefix}/other", key_of(7)) == other
    assert "other: not in the history of --main, so nothing is removed there" in run.stderr
    assert "not in the history" not in space.planner("gc", *words, "--repository", "other", "--apply").stderr
    assert CLIENT.digest_of(f"{prefix}/other", key_of(7)) is None, "who names it means it"
