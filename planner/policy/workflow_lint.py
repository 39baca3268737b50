"""Finds what in a workflow file of GitHub Actions would break a policy. Looks at text alone, and runs nothing.

The rules follow GitHub's own guides ("Secure use reference", "Securely using pull_request_target") and what caches
were poisoned with; each names the line and what to do instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from planner.errors import DefinitionError, Mistake
from planner.policy.run_conditions import never_for_pull_requests
from planner.sources.yaml_nodes import Node, Reader, compose

OUTSIDE = (
    "pull_request_target",
    "issue_comment",
    "workflow_run",
    "discussion",
    "discussion_comment",
    "issues",
    "fork",
    "gollum",
    "watch",
)
"""Events that outsiders can cause and that run with the repository's own secrets and token."""
_HEAD = re.compile(
    r"github\.event\.pull_request\.(?:head|merge_commit_sha)|github\.head_ref|refs/pull/|event\.workflow_run\.head|head_sha"
)
_PINNED = re.compile(r"[^@]+@[0-9a-f]{40}(?:[0-9a-f]{24})?")
_EVENT = re.compile(r"\bgithub\.(?:head_ref\b|event\.([\w.*\[\]']++))")
_WRITTEN = re.compile(r"(?:title|body|message|ref|label|name|email|login|page_name|default_branch)\b")
"""What an outsider writes, at the end of a name that an event has."""
_ALL = re.compile(r"tojson\(\s*github(?:\.event[\w.*]*)?\s*\)")
_INDEX = re.compile(r"\[\s*'([\w-]+)'\s*\]", re.ASCII)
_SECRET = re.compile(r"\bsecrets\.(?!github_token\b)\w+|\bsecrets\[|tojson\(\s*secrets\s*\)")
_WRITES = ("actions", "checks", "contents", "deployments", "issues", "packages", "pages", "pull-requests", "statuses")
_CACHING = re.compile(r"type=gha|type=registry,ref=(?:(?!type=registry,ref=)\S)*pr", re.ASCII)
_FETCHES = re.compile(r"gh pr checkout|git (?:fetch|pull) (?:(?!git (?:fetch|pull) )[^\n])*pull/")
MAX_SHOWN = 200
"""Letters of an expression that are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing wrong, where it is, and what to do about it."""

    file: str
    line: int
    rule: str
    what: str
    advice: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A job as the rules look at it: its name, its fields, its steps, and its permissions."""

    name: str
    node: Node
    fields: Mapping[str, tuple[Node, Node]]
    steps: tuple[Mapping[str, tuple[Node, Node]], ...]
    permissions: Node | None

    def uses(self) -> Iterator[tuple[Mapping[str, tuple[Node, Node]], Node, str]]:
        for step in self.steps:
            if "uses" in step:
                yield step, step["uses"][1], _text(step["uses"][1])

    @property
    def runs_code(self) -> bool:
        """Whether the repository's own files can decide what happens in the job."""
        return any(name.startswith(("actions/checkout@", "./")) for _, _, name in self.uses())

    @property
    def spared(self) -> bool:
        """Whether its condition keeps it from running for pull requests."""
        return "if" in self.fields and never_for_pull_requests(_text(self.fields["if"][1]))


def lint(data: bytes, file: str) -> tuple[Finding, ...]:
    """Everything found in one workflow file, by line. Raises DefinitionError for what is no YAML, or no workflow."""
    reader, node = compose(data, file)
    top = _fields(reader, node)
    if "jobs" not in top:
        raise DefinitionError([Mistake(file=file, what="is no workflow: it has no jobs")])
    events = _events(reader, top)
    jobs = tuple(_jobs(reader, top))
    found = [
        *_targets(jobs, events),
        *_permissions(jobs, events),
        *_secrets(jobs, events),
        *_unpinned(jobs),
        *_released(reader, jobs, events),
        *_injected(jobs),
        *_self_hosted(jobs, events),
    ]
    placed = [Finding(file=file, line=at.start_mark.line + 1, rule=r, what=w, advice=a) for at, r, w, a in found]
    return tuple(sorted(dict.fromkeys(placed), key=lambda one: (one.line, one.rule)))


_Told = tuple[Node, str, str, str]


def _fields(reader: Reader, node: Node) -> dict[str, tuple[Node, Node]]:
    return reader.fields(node, "workflow") if isinstance(node, yaml.MappingNode) else {}


def _text(node: Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _items(node: Node) -> tuple[Node, ...]:
    return tuple(node.value) if isinstance(node, yaml.SequenceNode) else (node,)


def _scalars(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if isinstance(at, yaml.ScalarNode):
            yield at
        elif isinstance(at, yaml.SequenceNode):
            waiting += at.value
        elif isinstance(at, yaml.MappingNode):
            waiting += [part for pair in at.value for part in pair]


def _events(reader: Reader, top: Mapping[str, tuple[Node, Node]]) -> dict[str, Node]:
    if "on" not in top:
        return {}
    node = top["on"][1]
    if isinstance(node, yaml.MappingNode):
        return {name: value for name, (_, value) in _fields(reader, node).items()}
    return {_text(item): item for item in _items(node)}


def _jobs(reader: Reader, top: Mapping[str, tuple[Node, Node]]) -> Iterator[_Job]:
    shared = top["permissions"][1] if "permissions" in top else None
    for name, (key, node) in (_fields(reader, top["jobs"][1]) if "jobs" in top else {}).items():
        fields = _fields(reader, node)
        steps = fields["steps"][1] if "steps" in fields else None
        read = tuple(_fields(reader, step) for step in _items(steps)) if steps is not None else ()
        own = fields["permissions"][1] if "permissions" in fields else shared
        yield _Job(name=name, node=key, fields=fields, steps=read, permissions=own)


def _targets(jobs: Iterable[_Job], events: Mapping[str, Node]) -> Iterator[_Told]:
    outside = [event for event in events if event in OUTSIDE]
    for job in jobs if outside else ():
        for step, node, name in job.uses():
            inputs = step["with"][1] if "with" in step else None
            if name.startswith("actions/checkout@") and inputs is not None:
                for scalar in _scalars(inputs):
                    if _HEAD.search(_plain(_text(scalar))):
                        what = f"{outside[0]} checks out what an outsider wrote, beside the repository's own secrets"
                        yield scalar, "checkout-of-head", what, "build it in a pull_request workflow, without secrets"
            if name.startswith("actions/cache"):
                what = f"{outside[0]} writes a cache in the context of the default branch"
                yield node, "cache-of-outsiders", what, "use no cache in this workflow"
        for step in job.steps:
            text = _text(step["run"][1]) if "run" in step else ""
            if _FETCHES.search(text):
                what = f"{outside[0]} checks out what an outsider wrote, beside the repository's own secrets"
                yield step["run"][1], "checkout-of-head", what, "build it in a pull_request workflow, without secrets"


def _permissions(jobs: Iterable[_Job], events: Mapping[str, Node]) -> Iterator[_Told]:
    for job in jobs:
        pulled = [event for event in events if event in OUTSIDE or (event == "pull_request" and not job.spared)]
        if job.permissions is None:
            what = f"job {job.name} has whatever permissions the repository gives by default"
            yield job.node, "no-permissions", what, "begin with permissions: {contents: read}"
            continue
        granted = list(_granted(job.permissions))
        if job.runs_code and pulled:
            for node, name in granted:
                what = f"job {job.name} runs the repository's code for {pulled[0]} and may write {name}"
                yield node, "write-permission", what, "let a job without a checkout do what needs it"
        elif job.runs_code:
            for node, name in granted:
                if name in ("actions", "everything"):
                    what = f"job {job.name} runs the repository's code and may exchange the entries of GitHub's cache"
                    yield node, "write-permission", what, "clean caches up in a job without a checkout"


def _granted(permissions: Node) -> Iterator[tuple[Node, str]]:
    if _text(permissions) == "write-all":
        yield permissions, "everything"
    if isinstance(permissions, yaml.MappingNode):
        for key, value in permissions.value:
            if _text(value) == "write" and _text(key) in _WRITES:
                yield value, _text(key)


def _secrets(jobs: Iterable[_Job], events: Mapping[str, Node]) -> Iterator[_Told]:
    outside = [event for event in events if event in OUTSIDE]
    for job in jobs if outside else ():
        # An environment's own rules say which branch and whose approval its secrets need; they are not `inherit`ed.
        for _, value in () if "environment" in job.fields else job.fields.values():
            for scalar in _scalars(value):
                if _SECRET.search(_plain(_text(scalar))):
                    what = f"job {job.name} has a secret in a run that outsiders start ({outside[0]})"
                    yield scalar, "secret-to-outsiders", what, "move it into a workflow of the default branch's pushes"
        if "secrets" in job.fields and _text(job.fields["secrets"][1]) == "inherit":
            what = f"job {job.name} hands every secret on in a run that outsiders start ({outside[0]})"
            yield job.fields["secrets"][1], "secret-to-outsiders", what, "name the secrets that it needs, or none"


def _unpinned(jobs: Iterable[_Job]) -> Iterator[_Told]:
    for job in jobs:
        named = [(node, name) for _, node, name in job.uses()]
        if "uses" in job.fields:
            named.append((job.fields["uses"][1], _text(job.fields["uses"][1])))
        for node, name in named:
            if name.startswith("./") or _PINNED.fullmatch(name):
                continue
            if name.startswith("docker://") and "@sha256:" in name:
                continue
            what = f"{name} is whatever its owner says tomorrow"
            yield node, "unpinned-action", what, "name a commit: OWNER/NAME@<40 hexadecimal digits>"


def _released(reader: Reader, jobs: Iterable[_Job], events: Mapping[str, Node]) -> Iterator[_Told]:
    push = events.get("push")
    tagged = isinstance(push, yaml.MappingNode) and "tags" in _fields(reader, push)
    if not tagged and "release" not in events:
        return
    for job in jobs:
        for step, node, name in job.uses():
            inputs = _fields(reader, step["with"][1]) if "with" in step else {}
            cached = "cache" in inputs and name.startswith("actions/setup-")
            layers = any(_CACHING.search(_text(scalar)) for _, value in inputs.values() for scalar in _scalars(value))
            if name.startswith("actions/cache") or cached or layers:
                what = f"release job {job.name} restores a cache that other runs write"
                yield node, "cache-in-release", what, "build releases without a cache, or from main's in a registry"


def _injected(jobs: Iterable[_Job]) -> Iterator[_Told]:
    for job in jobs:
        for step in job.steps:
            scripts = [step["run"][1]] if "run" in step else []
            if "with" in step and isinstance(step["with"][1], yaml.MappingNode):
                scripts += [value for key, value in step["with"][1].value if _text(key) == "script"]
            for script in scripts:
                if found := next(filter(_is_written, _expressions(_text(script))), ""):
                    what = f"{found[:MAX_SHOWN]} becomes part of a script, whatever somebody wrote there"
                    yield script, "injection", what, 'hand it over in env: and write "$NAME"'


def _expressions(text: str) -> Iterator[str]:
    """Each `${{ … }}` of a text; of one in which another begins, what stands before that. Looks at each letter once."""
    at, last = text.find("${{"), text.rfind("}}")
    while 0 <= at < last:
        following = text.find("${{", at + 3)
        limit = following if following >= 0 else len(text)
        end = text.find("}}", at, limit)
        yield text[at : end + 2 if end >= 0 else limit]
        at = following


def _is_written(expression: str) -> bool:
    """Whether an expression holds what an outsider may have written."""
    text = _plain(expression)
    if _ALL.search(text):
        return True
    return any(found[1] is None or _WRITTEN.search(found[1]) for found in _EVENT.finditer(text))


def _plain(text: str) -> str:
    """An expression as most people write it: names do not differ by case, and `a['b']` is `a.b`."""
    return _INDEX.sub(r".\1", text.lower())


def _self_hosted(jobs: Iterable[_Job], events: Mapping[str, Node]) -> Iterator[_Told]:
    pulled = [event for event in events if event in (*OUTSIDE, "pull_request")]
    for job in jobs if pulled else ():
        node = job.fields["runs-on"][1] if "runs-on" in job.fields else None
        if node is not None and any(_text(scalar) == "self-hosted" for scalar in _scalars(node)):
            what = f"job {job.name} runs for {pulled[0]} on a machine of yours, which keeps what it did"
            yield node, "own-runner", what, "use a hosted runner, or one that is thrown away after each job"
