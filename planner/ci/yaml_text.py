"""Writes mappings as YAML that people read: in the order given, no line folded, commands of several lines as blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


class _Writer(yaml.SafeDumper):
    """Texts of several lines as blocks, no anchors, lists indented."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)


def yaml_text(document: Mapping[str, object]) -> str:
    """The document, ending in a newline. `on` is quoted, as YAML 1.1 would take it for a truth value."""
    text: str = yaml.dump(document, Dumper=_Writer, sort_keys=False, width=10**6, allow_unicode=False)
    return text
