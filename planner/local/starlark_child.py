"""Evaluates Starlark in a process of its own that cannot outgrow its limits. Knows nothing of images or of files.

Run as a script with the folder of the `starlark` package and the seconds of processor time it may take. Takes lines
of JSON on standard input and gives lines of JSON: a question, something printed, or the calls of one evaluated file.
Crashes are expected: starlark-rust ends the process on a lack of memory and on source nested too deep, which is why it
does not run in the planner itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from typing import Any, BinaryIO

MEMORY = 1 << 30
"""Bytes of address space; a lack of them ends the process."""
SOFT_MEMORY = 384 << 10
"""Kilobytes that stop an evaluation with a place, where starlark-rust asks in time."""
PERIOD = 1000
"""Steps between two questions of starlark-rust whether it may go on."""
STEPS = 30_000_000
DEPTH = 200
"""Calls within calls."""
CALLS = 50_000
NESTED = 30
"""Lists and mappings within each other, in one argument."""
OUTPUT = 32 << 20
"""Characters of calls."""
PRINTED = 1 << 20
"""Characters of prints."""

FUNCTIONS = ("image", "image_family", "external", "kind", "family", "packages")
PRELUDE = "<builtin>"
SOURCE = (
    "".join(
        f"def {name}(*args, **kwargs):\n    _call({name!r}, list(args), kwargs, call_stack(strip_frames = 1))\n"
        for name in FUNCTIONS
    )
    + """
def print(*args, sep = " ", **kwargs):
    _say(sep.join([str(one) for one in args]), call_stack(strip_frames = 1))

def glob(include, exclude = [], allow_empty = False):
    return _glob(include, exclude, allow_empty)

def define(name, default = None):
    return _defines.get(name, default)

def select(branches):
    if type(branches) != "dict":
        fail("select takes a mapping of conditions to values")
    return {"//select": branches}
"""
)
NAMES = (*FUNCTIONS, "print", "glob", "define", "select")


class Refused(Exception):
    """What may not be: the message ends in Starlark's own error, with the place."""


class Child:
    """The modules that were loaded so far, and the file that is being evaluated."""

    def __init__(self, questions: BinaryIO, answers: BinaryIO, starlark: Any, defines: dict[str, str]) -> None:
        self.questions = questions
        self.answers = answers
        self.starlark = starlark
        self.defines = defines
        self.loaded: dict[str, Any] = {}
        self.labels: dict[tuple[str, str], str] = {}
        self.chain: list[str] = []
        self.package = ""
        self.checks = 0
        self.written = 0
        self.printed = 0
        self.calls: list[Any] = []
        self.stacks: dict[str, int] = {}
        self.failure: dict[str, Any] | None = None
        self.refusal: list[str] = []
        extensions = starlark.LibraryExtension
        self.globals = starlark.Globals.extended_by([extensions.StructType, extensions.Json])
        self.prelude = self._prelude(starlark.Globals.extended_by([extensions.CallStack]))

    def _prelude(self, known: Any) -> Any:
        module = self.starlark.Module()
        module.add_callable("_call", self.call)
        module.add_callable("_say", self.say)
        module.add_callable("_glob", self.glob)
        module["_defines"] = self.defines
        self.starlark.eval(module, self.starlark.parse(PRELUDE, SOURCE), known)
        return module.freeze()

    def send(self, document: Any) -> None:
        self.answers.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
        self.answers.flush()

    def ask(self, document: Any) -> Any:
        self.send(document)
        answer = json.loads(self.questions.readline())
        if "refused" in answer:
            self.refuse(*answer["refused"])
        return answer["value"]

    def refuse(self, what: str, hint: str = "") -> None:
        self.refusal = [what, hint]
        raise Refused(what)

    def call(self, name: str, positional: Any, named: Any, stack: str) -> None:
        if _is_deep([positional, named], NESTED):
            self.refuse(f"{name}: an argument is nested more than {NESTED} deep")
        self.count(len(json.dumps([positional, named])))
        if len(self.calls) >= CALLS:
            self.refuse(f"more than {CALLS} calls")
        self.calls.append([name, positional, named, self.stacks.setdefault(stack, len(self.stacks))])

    def count(self, letters: int) -> None:
        self.written += letters
        if self.written > OUTPUT:
            self.refuse(f"the images take more than {OUTPUT} characters to write down")

    def say(self, text: str, stack: str) -> None:
        self.printed += len(text)
        if self.printed > PRINTED:
            self.refuse(f"print: more than {PRINTED} characters")
        self.send({"say": text, "stack": stack})

    def glob(self, include: Any, exclude: Any, empty: Any) -> Any:
        return self.ask(
            {"ask": "glob", "package": self.package, "include": include, "exclude": exclude, "empty": bool(empty)}
        )

    def go_on(self) -> bool:
        """Whether starlark-rust is to stop."""
        self.checks += 1
        if self.checks * PERIOD > STEPS:
            self.refusal = [f"evaluation takes more than {STEPS} steps", "is there a loop that does not end?"]
            return True
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > SOFT_MEMORY:
            self.refusal = [f"evaluation takes more than {SOFT_MEMORY >> 10} MB of memory", ""]
            return True
        return False

    def load(self, label: str) -> Any:
        here = (self.chain[-1].rpartition("/")[0], label)
        if here not in self.labels:
            found = self.ask({"ask": "load", "label": label, "chain": self.chain})
            if found["file"] not in self.loaded:
                self.loaded[found["file"]] = self.module(found["file"], found["text"])
            self.labels[here] = found["file"]
        return self.loaded[self.labels[here]]

    def module(self, file: str, text: str) -> Any:
        """One file evaluated; the innermost failure of files that load each other is kept."""
        starlark = self.starlark
        self.chain.append(file)
        try:
            module = starlark.Module()
            names = ", ".join(json.dumps(name) for name in NAMES)
            opening = starlark.parse(PRELUDE, f"load({json.dumps(PRELUDE)}, {names})")
            starlark.eval(module, opening, self.globals, starlark.FileLoader(lambda _: self.prelude))
            options = starlark.EvalOptions(check_cancelled=self.go_on, max_callstack_size=DEPTH)
            loader = starlark.FileLoader(self.load)
            starlark.eval_with(options, module, starlark.parse(file, text), self.globals, file_loader=loader)
            frozen = module.freeze()
        except starlark.StarlarkError as error:
            if self.failure is None:
                self.failure = {"text": str(error), "refused": self.refusal, "chain": list(self.chain)}
            raise
        self.chain.pop()
        return frozen

    def evaluate(self, file: str, text: str, package: str) -> None:
        self.package, self.chain, self.failure, self.refusal = package, [], None, []
        self.calls, self.stacks = [], {}
        with contextlib.suppress(self.starlark.StarlarkError):  # kept by then
            self.module(file, text)
        self.send({"calls": self.calls, "stacks": list(self.stacks), "failure": self.failure})


def _is_deep(value: Any, most: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return most < 0 or any(_is_deep(one, most - 1) for one in inside)


def main() -> None:
    """Answer until there are no more questions."""
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)  # what a crash says is for nobody
    sys.path.append(sys.argv[1])
    import starlark

    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, int(sys.argv[2])),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))
    questions = os.fdopen(0, "rb")
    child = Child(questions, answers, starlark, json.loads(questions.readline()))
    child.send({"ready": True})
    for line in questions:
        child.evaluate(*json.loads(line))


if __name__ == "__main__":
    main()
