"""Writes the reference pages from the code while MkDocs builds the site: commands, reasons, JSON documents."""

from __future__ import annotations

import argparse
import json
from importlib.resources import files
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from planner.cli.main import COMMANDS, parser_of
from planner.plan.reasons import Code

REASONS = {
    Code.FIRST_BUILD: "There is no record of it, or the image of its record is gone.",
    Code.FILE_CHANGED: "A file that an instruction selects has other bytes.",
    Code.FILE_ADDED: "An instruction selects a file that it did not select before.",
    Code.FILE_REMOVED: "An instruction no longer selects a file that it selected before: it is gone, or left out.",
    Code.MODE_CHANGED: "A file became executable or no longer is, or became a link.",
    Code.INSTRUCTION_CHANGED: "An instruction says something else, after its variables are filled in.",
    Code.ARGUMENT_CHANGED: "A build argument that counts has another value.",
    Code.PARENT_CHANGED: "An image of the graph that it reads is rebuilt.",
    Code.EXTERNAL_CHANGED: "It reads another image that the graph does not build.",
    Code.PLATFORM_CHANGED: "It is built for other platforms.",
    Code.FRONTEND_CHANGED: "Another frontend reads its Dockerfile.",
    Code.FORCED: "Somebody asked for it, with --all.",
    Code.UNSURE: "It reads something that may change unseen, so it is rebuilt every time, and says so.",
}
"""What each code means; a code without a sentence fails the build of the site."""


def on_files(found: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {"commands": _commands(), "reasons": _reasons(), "documents": _documents()}
    for name, text in pages.items():
        found.append(File.generated(config, f"reference/{name}.md", content=text))
    return found


def _commands() -> str:
    lines = ["# Commands", "", "Every command takes `-C DIR`, `-f FILE` and `--var NAME=VALUE` before its name.", ""]
    for name in COMMANDS:
        parser = parser_of([name])
        action = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
        command: argparse.ArgumentParser = action.choices[name]
        lines += [
            f"## planner {name}",
            "",
            str(command.description),
            "",
            f"`{str(command.epilog).partition(': ')[2]}`",
            "",
        ]
        lines += ["| argument | meaning |", "|---|---|"]
        lines += [f"| {_words(one)} | {_cell(one.help)} |" for one in command._actions if one.dest != "help"]
        lines.append("")
    lines += [
        "Exit status: 0 done; 1 an error, told in one message; 2 the command line is wrong; 3 something would rebuild,",
        "is stale or was found (`--exit-code`, `--check`, `flaky`, `policy`); 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.",
        "",
    ]
    return "\n".join(lines)


def _words(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = f" {action.metavar or '|'.join(map(str, action.choices or ()))}" if action.nargs != 0 else ""
    return ", ".join(f"`{word}{value}`" for word in action.option_strings).replace("|", "\\|")


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("<", "&lt;").replace("%%", "%")


def _reasons() -> str:
    lines = ["# Reasons", "", "Why an image is built. The set is closed: a new code comes with a new version.", ""]
    lines += ["| code | meaning |", "|---|---|", *(f"| `{code.value}` | {REASONS[code]} |" for code in Code)]
    return "\n".join([*lines, ""])


def _documents() -> str:
    lines = ["# Documents", "", "What `--format json` prints. Documents only ever gain fields.", ""]
    for place in sorted(files("planner").joinpath("schemas").iterdir(), key=lambda one: one.name):
        schema: dict[str, Any] = json.loads(place.read_text())
        lines += [f"## {schema['title']}", "", str(schema["description"]), ""]
        lines += ["```json", json.dumps(schema, indent=2), "```", ""]
    return "\n".join(lines)
