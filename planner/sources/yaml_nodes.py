"""Turns YAML text into nodes with places, and reads them strictly: every mistake is kept, none stops the reading.

Built on PyYAML's composer, which constructs no objects. Aliases may be used; a document that unfolds into too many
nodes is refused before it is walked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import yaml

from planner.errors import DefinitionError, Mistake, one_of
from planner.model.frozen import dataclass, field
from planner.model.image import Doubt, Span

MAX_BYTES = 8 << 20
MAX_NODES = 200_000
MAX_DEPTH = 60
MAX_LINE = 400
MAX_VALUE = 40
"""Letters of a value that a mistake repeats: a key in the place of a file is not printed."""

Node = yaml.nodes.Node
MappingNode = yaml.nodes.MappingNode
Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A YAML file being read: its lines for messages, and the mistakes and doubts found so far."""

    file: str
    lines: tuple[str, ...]
    mistakes: list[Mistake] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    undeclared: str = "add it under variables:"

    def span(self, node: Node) -> Span:
        """Where a node begins."""
        mark = node.start_mark
        return Span(file=self.file, line=mark.line + 1, column=mark.column + 1)

    def wrong(self, node: Node, what: str, hint: str = "") -> None:
        """Keep a mistake at a node."""
        line = node.start_mark.line
        self.mistakes.append(
            Mistake(
                file=self.file,
                line=line + 1,
                column=node.start_mark.column + 1,
                what=what,
                hint=hint,
                source_line=_shown(self.lines, line),
            )
        )

    def fields(self, node: Node, path: str, known: Sequence[str] = ()) -> dict[str, tuple[Node, Node]]:
        """The entries of a mapping by name. Unknown names (when `known` is given) and repeated ones are mistakes."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{path}: must be a mapping of names to values, not {_kind(node)}")
            return {}
        found: dict[str, tuple[Node, Node]] = {}
        for key, value in node.value:
            name = self.text(key, path)
            if name is None:
                continue
            if name in found:
                self.wrong(key, f'{path}: "{name}" is given twice', "keep one of them")
            elif known and name not in known:
                hint = one_of(name, known) or f"known here: {', '.join(known)}"
                self.wrong(key, f'{path}: unknown field "{name}"', hint)
            else:
                found[name] = (key, value)
        return found

    def items(self, node: Node, path: str) -> tuple[Node, ...]:
        """The entries of a list; one scalar stands for a list of one."""
        if isinstance(node, yaml.SequenceNode):
            return tuple(node.value)
        if isinstance(node, yaml.ScalarNode):
            return (node,)
        self.wrong(node, f"{path}: must be a list, not {_kind(node)}")
        return ()

    def text(self, node: Node, path: str) -> str | None:
        """The source text of a scalar: `3.10` stays "3.10". Null is a mistake."""
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(node, f"{path}: must be text, not {_kind(node)}")
            return None
        if node.tag == "tag:yaml.org,2002:null" and not node.style:  # "" for libyaml, None for PyYAML
            self.wrong(node, f"{path}: has no value", 'write "" for the empty text')
            return None
        if "\0" in node.value:
            self.wrong(node, f"{path}: holds a NUL character")
            return None
        return str(node.value)


def _shown(lines: Sequence[str], at: int) -> str:
    """A line as a mistake shows it, "" for one that nobody would read."""
    return lines[at] if at < len(lines) and len(lines[at]) <= MAX_LINE else ""


def _kind(node: Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return f'"{node.value}"' if len(node.value) <= MAX_VALUE else "a text"


def compose(data: bytes, file: str) -> tuple[Reader, Node]:
    """Read one document. Raises DefinitionError for what is no YAML, too large, or unfolds too far."""
    reader, text = _text(data, file)
    (node,) = _composed(reader, lambda: [yaml.compose(text, Loader=Loader)])
    if node is None:
        raise DefinitionError([Mistake(file=file, what="is empty", hint="begin with version: 1")])
    return reader, node


def documents(data: bytes, file: str) -> tuple[Reader, tuple[Node, ...]]:
    """Read all documents of a file, none where it is empty. Raises DefinitionError as `compose` does."""
    reader, text = _text(data, file)
    return reader, tuple(
        node for node in _composed(reader, lambda: list(yaml.compose_all(text, Loader=Loader))) if node
    )


def _text(data: bytes, file: str) -> tuple[Reader, str]:
    if len(data) > MAX_BYTES:
        raise DefinitionError([Mistake(file=file, what=f"longer than {MAX_BYTES} bytes")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DefinitionError([Mistake(file=file, line=line, what="is not UTF-8")]) from error
    if _deepest(text) > MAX_DEPTH:
        raise DefinitionError([Mistake(file=file, what=f"is nested more than {MAX_DEPTH} deep")])
    return Reader(file=file, lines=tuple(text.splitlines())), text


def _composed(reader: Reader, make: Callable[[], list[Node | None]]) -> list[Node | None]:
    file = reader.file
    try:
        nodes = make()
    except yaml.MarkedYAMLError as error:
        raise DefinitionError([_syntax(error, reader)]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DefinitionError([Mistake(file=file, what=f"is no YAML: {str(error).splitlines()[0]}")]) from error
    sizes: dict[int, int] = {}
    if sum(_unfolded(node, sizes) for node in nodes if node is not None) > MAX_NODES:
        raise DefinitionError([Mistake(file=file, what=f"unfolds into more than {MAX_NODES} values")])
    return nodes


def _deepest(text: str) -> int:
    """An upper bound of the nesting: opened brackets, and indentation steps."""
    opened = deepest = 0
    for letter in text:
        if letter in "[{":
            opened += 1
            deepest = max(deepest, opened)
        elif letter in "]}":
            opened = max(opened - 1, 0)
    indents: list[int] = []
    for line in text.splitlines():
        body = line.lstrip(" ")
        dashes = len(body) - len(body.lstrip("- "))
        if body and not body.startswith("#"):
            indent = len(line) - len(body)
            while indents and indents[-1] >= indent:
                indents.pop()
            indents.append(indent)
            deepest = max(deepest, len(indents) + dashes // 2 + body.count("? "))
    return deepest


OPEN = -1
"""In the place of the size of a node that is being counted."""


def _unfolded(node: Node, sizes: dict[int, int]) -> int:
    """How many values a node unfolds into, counted up to one more than may be; so many too if it holds itself.

    Each node is looked at once, however often it is named: `sizes` are those of the nodes met before.
    """
    waiting = [(node, iter(_inside(node)))]
    sizes[id(node)] = OPEN
    while waiting:
        at, rest = waiting[-1]
        below = next(rest, None)
        if below is None:
            waiting.pop()
            sizes[id(at)] = min(1 + sum(sizes[id(one)] for one in _inside(at)), MAX_NODES + 1)
        elif id(below) not in sizes:
            sizes[id(below)] = OPEN
            waiting.append((below, iter(_inside(below))))
        elif sizes[id(below)] == OPEN:
            return MAX_NODES + 1
    return sizes[id(node)]


def _inside(node: Node) -> Sequence[Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def _syntax(error: yaml.MarkedYAMLError, reader: Reader) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    return Mistake(
        file=reader.file,
        line=line + 1,
        column=(mark.column + 1) if mark else 0,
        what=f"is no YAML: {error.problem or error.context}",
        source_line=_shown(reader.lines, line),
    )
