"""Every expected failure is one clear message, exit status 1 (2 for the command line), and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from planner.errors import for_terminal
from tests.registry.test_client import answering
from tests.workspace import Workspace

GOOD = "version: 1\nimages:\n  base: {}\n"
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
TWO = "version: 1\nregistry: r.example\nimages:\n  a: {dockerfile: A}\n  b: {dockerfile: B}\n"
SAME = "version: 1\nimages:\n  a: {tags: [r.example/x]}\n  b: {tags: [r.example/x]}\n"

CASES: list[tuple[str, dict[str, str], str]] = [
    ("no graph file", {}, "there is no graph file"),
    ("unknown field", {"images.yaml": GOOD.replace("{}", "{contxt: .}")}, 'did you mean "context"?'),
    ("wrong type", {"images.yaml": GOOD.replace("{}", "{args: [a]}")}, "must be a mapping"),
    ("null", {"images.yaml": GOOD.replace("{}", "{target: null}")}, "images.base.target: has no value"),
    ("YAML error", {"images.yaml": "version: 1\nimages: {\n"}, "is no YAML"),
    ("duplicate key", {"images.yaml": GOOD + "  base: {}\n"}, '"base" is given twice'),
    ("deep nesting", {"images.yaml": "a: " + "[" * 5000}, "nested more than"),
    ("bomb", {"images.yaml": BOMB}, "unfolds into more than"),
    ("context outside", {"images.yaml": GOOD.replace("{}", "{context: ../up}")}, "leads out of the workspace"),
    ("missing Dockerfile", {"images.yaml": GOOD}, 'there is no Dockerfile at "Dockerfile"'),
    ("argument without value", {"images.yaml": GOOD, "Dockerfile": "ARG V\nFROM a:${V}\n"}, "ARG V has no value"),
    ("no FROM", {"images.yaml": GOOD, "Dockerfile": "RUN true\n"}, "there is no FROM"),
    ("unknown instruction", {"images.yaml": GOOD, "Dockerfile": "FROM a\nRUNN x\n"}, 'did you mean "RUN"?'),
    ("unended here-document", {"images.yaml": GOOD, "Dockerfile": "FROM a\nRUN <<E\nx\n"}, "<<E never ends"),
    (
        "cycle",
        {"images.yaml": TWO, "A": "FROM r.example/b\n", "B": "FROM r.example/a\n"},
        "depend on themselves",
    ),
    (
        "an image that reads itself",
        {"images.yaml": GOOD.replace("{}", '{contexts: {alpine: "target:base"}}'), "Dockerfile": "FROM alpine\n"},
        "depend on themselves: base → base",
    ),
    ("one reference twice", {"images.yaml": SAME, "Dockerfile": "FROM a\n"}, "both published as r.example/x"),
    (
        "one reference twice, once with its tag",
        {"images.yaml": SAME.replace("r.example/x", "r.example/x:latest", 1), "Dockerfile": "FROM a\n"},
        "are both published as r.example/x",
    ),
]


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "space")


@pytest.mark.parametrize(("files", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_says_what_is_wrong(space: Workspace, files: dict[str, str], message: str) -> None:
    for path, text in files.items():
        if text.startswith("->"):
            (space.root / path).symlink_to(text[2:])
        else:
            space.write({path: text})
    run = space.planner("plan", "--all")
    assert run.returncode == 1, run
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_a_dockerfile_that_is_not_utf8(space: Workspace) -> None:
    space.write({"images.yaml": GOOD})
    (space.root / "Dockerfile").write_bytes(b"FROM a\nRUN \xff\n")
    run = space.planner("plan", "--all")
    assert run.returncode == 1
    assert "Dockerfile:2: byte 0xff is not UTF-8" in run.stderr


@pytest.mark.parametrize("challenge", ['Digest x="\x1b]0;owned\x07\x1b[2J\x1b[1;1H"', 'Digest x="\x9b2J"'])
def test_what_a_registry_says_moves_no_cursor(space: Workspace, challenge: str) -> None:
    space.write({"images.yaml": GOOD, "Dockerfile": "FROM scratch\n"})
    with answering({}, otherwise=(401, {"WWW-Authenticate": challenge}, b"")) as host:
        run = space.planner("plan", "--against", f"{host}/a")
    assert run.returncode == 1
    assert "which is not understood" in run.stderr
    assert not set(run.stderr) & {"\x1b", "\x07", "\x9b"}


def test_a_message_keeps_its_lines_and_tabs() -> None:
    assert for_terminal("a:1\n\tRUN é\x1b[2J\r\u202e\x9b") == "a:1\n\tRUN é\\x1b[2J\\x0d\\x202e\\x9b"


def test_all_mistakes_of_a_family_at_once(space: Workspace) -> None:
    space.write(
        {
            "images.yaml": """\
version: 1
registry: r.example
images:
  a: {dockerfile: A}
  b: {dockerfile: B, tags: [r.example/x]}
  c: {dockerfile: C, tags: [r.example/x]}
  d: {dockerfile: none/Dockerfile}
  e: {dockerfile: E}
  f: {dockerfile: F}
  g: {dockerfile: G}
  h: {dockerfile: H}
""",
            "A": "FROM r.example/b\n",
            "B": "FROM r.example/a\n",
            "C": "FROM scratch\nRUNN x\n",
            "E": "ARG V\nFROM x:${V}\n",
            "G": "FROM r.example/h\n",
            "H": "FROM scratch\nCOPY --from=r.example/g x /\n",
            "F": "FROM r.example/d\nCOPY x${ /\n",
        }
    )
    run = space.planner("plan")
    assert run.returncode == 1
    for said in (
        "A:1: the images depend on themselves: a → b → a",
        "B:1: the same cycle",
        "G:1: the images depend on themselves: g → h → g",
        "here h reads g: COPY --from r.example/g",
        'images.yaml:6: "c" and "b" (line 5) are both published as r.example/x',
        'images.yaml:7: images.d: there is no Dockerfile at "none/Dockerfile"',
        "C:2:1: unknown instruction RUNN",
        "E:2:6: FROM x:${V}: ARG V has no value",
    ):
        assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_shallow_clone_says_what_it_lacks(space: Workspace, tmp_path: Path) -> None:
    space.write({"images.yaml": GOOD, "Dockerfile": "FROM a\n"})
    space.commit()
    space.git("tag", "old")
    space.write({"Dockerfile": "FROM b\n"})
    space.commit()
    space.git("clone", "-q", "--depth=1", f"file://{space.root}", str(tmp_path / "shallow"))
    clone = Workspace(tmp_path / "shallow", init=False)
    assert clone.planner("plan", "--since", "HEAD").returncode == 0
    for revision in ("old", "HEAD~1"):
        run = clone.planner("plan", "--since", revision)
        assert run.returncode == 1
        assert "git fetch --unshallow" in run.stderr


def test_all_mistakes_of_a_file_at_once(space: Workspace) -> None:
    space.write({"images.yaml": "version: 2\nimages:\n  base: {contxt: ., args: 1}\n"})
    message = space.planner("graph").stderr
    assert "version 1 only" in message
    assert "contxt" in message
    assert "args" in message


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (("plan", "--since", "no-such"), 'there is no revision "no-such"', 1),
        (("plan", "--since=--help"), 'there is no revision "--help"', 1),
        (("plan", "--all", "bsae"), 'did you mean "base"?', 1),
        (("plan", "--alll"), 'unrecognized arguments: --alll; did you mean "--all"?', 2),
        (("grph",), 'there is no "grph"; did you mean "graph"?', 2),
        (("plan", "--format", "jsn"), 'did you mean "json"?', 2),
        (("--set", "a.args.X=1", "plan"), "--set is for Bake files, and the family is read from images.yaml", 2),
        (("--profile", "x", "plan", "--since", "HEAD"), "--profile is for Compose files", 2),
        (("--env-file", "x", "graph"), "--env-file is for Compose files", 2),
        (("-f", "docker-bake.hcl", "--env-file", "x", "graph"), "the family is read from Bake", 2),
        (("diff",), "arguments are required: A\n", 2),
        (("plan", "-C", "x"), "unrecognized arguments: -C; say -C before the command", 2),
        (("-f", "none.yaml", "pin"), "none.yaml: there is no graph file", 1),
        (("-f", "none.yaml", "policy", "check"), "policy.yaml", 1),
        (("pool",), "arguments are required: ACTION\n", 2),
        (("-f", "docker-bake.hcl", "-f", "more.hcl", "plan"), "/more.hcl: there is no graph file", 1),
        (("--var", "MIROR=1", "plan"), 'images.yaml declares no variable of this name\n  did you mean "MIRROR"?', 2),
        (("--var", "A=1", "--var", "B=1", "graph"), "--var B: images.yaml declares no variable", 2),
        (("--var", "TAGG=1", "-f", "docker-bake.hcl", "graph"), 'name\n  did you mean "TAG"?', 2),
        (("-f", "images.yaml", "-f", "text.yaml", "graph"), "-f text.yaml: images.yaml is a whole family", 2),
        (("pin", "--check", "Dockerfle"), "Dockerfle: no text that git tracks here matches", 1),
        (("lock", "--upgrade", "*ubuntu*"), "*ubuntu*: no reference of the family matches", 1),
        (("history", "base"), "nothing is recorded of base\n  there are no records here yet", 1),
        (("plan", "base", "--all", "--", "bsae"), "unrecognized arguments: -- bsae", 2),
        (("lock", "a", "--check", "b"), "unrecognized arguments: a b", 2),
        (("plan", "--format", ""), "invalid choice: '' (choose from 'text', 'json', 'markdown')", 2),
        (("gc", "--max-bytes", "much"), "--max-bytes: is a size, such as 20GB or 20GiB", 2),
        (("bake", "--level", "-1"), "--level: is a number from 0", 2),
        (("matrix", "--format", "githb"), 'did you mean "github"?', 2),
        (("it's",), 'there is no "it\'s"', 2),
        (("policy",), "arguments are required: action\n", 2),
        (("export",), "arguments are required: ENGINE\n", 2),
        (("export", "kubernetes", "--driver", "--storage", "9Gi"), "--storage: buildx's Kubernetes driver has", 2),
        (("relay",), "arguments are required: action\n", 2),
        (("cache",), "arguments are required: action\n", 2),
        (("plan", "--alll"), "planner plan --help shows what there is", 2),
        (
            ("matrix", "--plan", "/dev/null"),
            "/dev/null: is no plan: Expecting value: line 1 column 1 (char 0)\n  make",
            1,
        ),
        (("graph", "-o", ""), "-o/--output: is empty: it names nothing", 2),
        (("plan", "--out", ""), "--out: is empty", 2),
        (("plan", "--policy", ""), "--policy: is empty", 2),
        (("plan", "--out", "-"), "--out: is no file: planner plan --format json prints a plan", 2),
        (("plan", "--state", "/dev/null"), "the state folder cannot be read: Not a directory", 1),
        (("plan", "--state", "1" * 5000), "the state folder cannot be read: File name too long", 1),
        (("-f", "folder", "graph"), "folder: is a folder, and no graph file", 1),
        (("-f", "link.yaml", "graph"), "link.yaml: is a symbolic link", 1),
        (("-f", "text.yaml", "graph"), "text.yaml: must be a mapping of names to values", 1),
        (("graph", "--format=--"), "argument --format: is --, which ends options", 2),
        (("graph", "-o--"), "-o/--output: is --, which ends options", 2),
        (("build", "--resources", "x"), "--resources: write NAME=AMOUNT", 2),
        (("plan", "--policy", "none.yaml"), "none.yaml: cannot be read: No such file", 1),
        (("matrix", "--since", "HEAD", "--policy", "none.yaml"), "none.yaml: cannot be read: No such file", 1),
        (
            ("--var", "MIROR=1", "replay", "HEAD"),
            'images.yaml declares no variable of this name\n  did you mean "MI',
            2,
        ),
        (("--var", "MIROR=1", "simulate", "--replay", "HEAD"), "images.yaml declares no variable of this name", 2),
        (("--set", "a.args.X=1", "replay", "HEAD"), "--set is for Bake files", 2),
        (("simulate", "--seed", "9" * 5000), "--seed: is no number that can be read: 9999", 2),
        (("relay", "ask", "--number", "-1"), "--number: is a number from 1", 2),
        (("relay", "pull", "--wait", "x", "-"), "--wait: is a number from 0", 2),
        (("cache", "budget", "--pull-requests", "-1"), "--pull-requests: is a number from 0", 2),
        (("token-server", "serve", "--keys", "k", "--rate", "nan"), "--rate: is a number above 0", 2),
        (("token-server", "serve", "--keys", "k", "--uses", "0"), "--uses: is a number from 1", 2),
        (("token-server", "serve", "--keys", "k", "--connections", "-1"), "--connections: is a number from 1", 2),
        (("token-server", "init", "--keys", "k.jwks"), "--jwks names another file", 2),
        (("token-server", "init", "--keys", "none/k", "--jwks", "none/../none/k"), "--jwks names another file", 2),
        (("token-server", "rotate", "--keys", "/"), "--keys /: names no file", 2),
        (("policy", "check", "other.yaml"), "planner policy check --policy other.yaml proves one", 2),
        (("policy", "lint", "--check"), "--check is for generate, and lint would ignore it", 2),
        (("policy", "lint", "{root}/text.yaml"), "text.yaml: is no workflow: it has no jobs", 1),
    ],
)
def test_says_what_is_wrong_with_the_command(
    space: Workspace, arguments: tuple[str, ...], message: str, status: int
) -> None:
    space.write({"images.yaml": f"{GOOD}variables: {{MIRROR: x}}\n", "Dockerfile": "FROM a\n", "folder/f": ""})
    space.write({"docker-bake.hcl": 'variable "TAG" {}\ntarget "a" {}\n', "text.yaml": "hello\n"})
    (space.root / "link.yaml").symlink_to("images.yaml")
    space.commit()
    run = space.planner(*(word.replace("{root}", str(space.root)) for word in arguments))
    assert (run.returncode, "Traceback" in run.stderr) == (status, False), run
    assert message in run.stderr


FOREIGN = {
    "relay ask --into DIR": "--into is for pull, and ask",
    "relay ask --format json": "--format is for serve or pull, and ask",
    "relay pull - --jobs 3": "--jobs is for serve, and pull",
    "relay serve - --commit HEAD~1": "--commit is for ask, and serve",
    "cache plan --pull-requests 9": "--pull-requests is for budget, and plan",
    "cache budget --cache-to main": "--cache-to is for plan, and budget",
    "policy lint --policy policy.yaml": "--policy is for check or generate, and lint",
    "policy generate zot --format json": "--format is for check or lint, and generate",
    "pool list --days 3": "--days is for check, and list",
    "pool drain a --format json": "--format is for list or check, and drain",
    "pool check --format builder": "--format builder is for list, and check",
    "pool list --undo": "--undo is for drain, and list",
    "signing-key init key.pem --policy policy.yaml": "--policy is for show or renew, and init",
    "signing-key show --state DIR": "--state is for renew, and show",
    "token-server init --keys k --listen 127.0.0.1:1": "--listen is for serve, and init",
    "token-server serve --keys k --jwks j": "--jwks is for init or rotate, and serve",
    "gc --scopes --keep FILE": "--keep is for what is no pull request's, and --scopes",
    "gc --scopes --grace 90": "--grace is for what is no pull request's, and --scopes",
    "gc restore --keep FILE": "--keep is for plan, and restore",
    "simulate --replay A..B --seed 3": "--seed is for changes by chance, and --replay",
    "matrix --slots 9": "--slots is for --by packed, and --by level",
    "matrix --setup true": "--setup is for --format gitlab or --format buildkite, and --format github",
    "ci gitlab --cron 0": "--cron is for github, and gitlab",
    "ci github-relay --branch x": "--branch is for github or gitlab or buildkite, and github-relay",
    "ci github --label x": "--label is for github-relay, and github",
    "build --dry-run --format json": "--format is for a build, and --dry-run",
    "build --dry-run --junit FILE": "--junit is for a build, and --dry-run",
    "graph --guesses --format json": "--format is for a graph, and --guesses",
}


@pytest.mark.parametrize("line", FOREIGN)
def test_an_option_that_another_way_of_a_command_has(space: Workspace, line: str) -> None:
    run = space.planner(*line.split())
    assert (run.returncode, run.stdout) == (2, "")
    assert f"{FOREIGN[line]} would" in run.stderr


def test_a_variable_that_a_revision_does_not_declare_yet(space: Workspace) -> None:
    space.write({"images.yaml": GOOD, "Dockerfile": "FROM a\n"})
    space.commit()
    space.write({"images.yaml": f"{GOOD}variables: {{NEW: x}}\n"})
    run = space.planner("--var", "NEW=y", "plan", "--since", "HEAD")
    assert (run.returncode, "0 of 1 image rebuild against HEAD" in run.stdout) == (0, True), run


def test_a_variable_without_a_graph_file(space: Workspace) -> None:
    space.write({"Dockerfile": "FROM a\n"})
    run = space.planner("--var", "A=1", "plan")
    assert (run.returncode, "--var sets a variable of a graph file" in run.stderr) == (2, True), run


def test_a_file_that_is_no_mapping_is_one_mistake(space: Workspace) -> None:
    space.write({"images.yaml": "hello\n"})
    assert space.planner("graph").stderr.count("images.yaml:1:1") == 1


def test_a_platform_that_is_none(space: Workspace) -> None:
    space.write({"images.yaml": GOOD.replace("{}", "{platforms: [linux/amd64, arn64]}"), "Dockerfile": "FROM a\n"})
    run = space.planner("plan")
    assert run.returncode == 1
    assert 'images.base.platforms: "arn64" is no platform; write it as linux/amd64' in run.stderr


def test_a_family_that_is_deeper_than_python_recurses(space: Workspace) -> None:
    depth = 1100
    names = "".join(f"  i{n}: {{dockerfile: D{n}}}\n" for n in range(depth))
    space.write({"images.yaml": f"version: 1\nregistry: r.example\nimages:\n{names}", "D0": "FROM scratch\nENV A=1\n"})
    space.write({f"D{n}": f"FROM r.example/i{n - 1}\n" for n in range(1, depth)})
    for command in ("graph", "plan"):
        run = space.planner(command)
        assert (run.returncode, f"└─ i{depth - 1}" in run.stdout) == (0, True), run.stderr[-500:]


def test_a_dash_prints(space: Workspace) -> None:
    space.write({"images.yaml": GOOD, "Dockerfile": "FROM a\n"})
    for command in (("graph",), ("bake",), ("simulate", "--changes", "1")):
        run = space.planner(*command, "-o", "-")
        assert run.stdout == space.planner(*command).stdout != ""


def test_a_folder_without_git_has_no_revision(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "plain")
    space.write({"images.yaml": GOOD, "Dockerfile": "FROM a\n"})
    (space.root / ".git").rename(tmp_path / "gone")
    assert space.planner("plan", "--all").returncode == 0
    assert "3 of" not in space.planner("plan").stdout, "a plan against the records needs no git"
    run = space.planner("plan", "--since", "HEAD")
    assert run.returncode == 1
    assert "no revision HEAD" in run.stderr


def test_a_lock_that_is_no_file_is_not_taken_for_none(space: Workspace) -> None:
    """A container engine makes an empty folder where it is told to mount a file that is not there."""
    space.write({"images.yaml": GOOD, "Dockerfile": "FROM a\n"})
    space.commit()
    (space.root / "images.lock").mkdir()
    for words in (("plan", "--since", "HEAD"), ("graph",), ("lock", "--check")):
        run = space.planner(*words)
        assert (run.returncode, "images.lock: is no file, so nothing is locked by it" in run.stderr) == (1, True), run


def test_a_module_of_its_own_runs_it(space: Workspace) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "planner", "nothing"], cwd=space.root, capture_output=True, text=True, check=False
    )
    assert (run.returncode, 'there is no "nothing"' in run.stderr) == (2, True), run


@pytest.mark.parametrize("redirected", ["<&-", "</dev/null", "<bytes"])
def test_a_credential_helper_is_given_no_host(tmp_path: Path, redirected: str) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\n")
    argv = [sys.executable, "-m", "planner.trust.credential", "get"]
    run = subprocess.run(
        ["sh", "-c", f'"$@" {redirected}', "sh", *argv],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (1, "credentials not found in native keychain\n", "")


def test_words_may_stand_on_both_sides_of_an_option(space: Workspace) -> None:
    space.write({"images.yaml": TWO, "A": "FROM scratch\n", "B": "FROM scratch\n"})
    names = {}
    for words in (("a", "b", "--all"), ("a", "--all", "b"), ("--all", "a", "b")):
        run = space.planner("plan", "--format", "json", *words)
        names[words] = [image["name"] for image in json.loads(run.stdout)["images"]]
    assert set(map(tuple, names.values())) == {("a", "b")}
    run = space.planner("relay", "serve", "--approve", "x", "request.json")
    assert "request.json: cannot be read" in run.stderr
