"""Puts the parts of the page and its document together into one file that needs nothing else.

The document enters as data: JSON in which no character can end the element that holds it. Only the script and the
style whose digests the page's policy names may run, and nothing may be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping

SCRIPTS = ("model.js", "layout.js", "picture.js", "view.js", "panel.js", "search.js", "timeline.js", "main.js")
"""In the order in which they stand in the page; they share one scope."""
STYLE, TEMPLATE, WORKER = "page.css", "page.html", "worker.js"
LIBRARY = "vendor/graphviz.js"
PARTS = (TEMPLATE, STYLE, *SCRIPTS, WORKER, LIBRARY)
POLICY = (
    "default-src 'none'; script-src '{script}' 'wasm-unsafe-eval'; style-src '{style}'; worker-src blob:; "
    "connect-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
)
_EXPORTS = re.compile(r"export\s*\{[^{}]*?([\w$]+) as Graphviz\b[^{}]*\};?\s*(//# sourceMappingURL=\S*\s*)?$")
_BEYOND = re.compile(r"[^\x00-\x7f]")
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def assemble(part: Callable[[str], str], document: Mapping[str, object]) -> str:
    """The page as text, all ASCII: its digests hold in whatever encoding it is written. `part` reads one of `PARTS`."""
    script = _ascii('(() => {\n"use strict";\n' + "\n".join(part(name) for name in SCRIPTS) + "})();\n")
    style = part(STYLE)
    slots = {
        "policy": POLICY.format(script=_digest(script), style=_digest(style)),
        "style": style,
        "data": embedded(document),
        "worker": _ascii(_worker(part(LIBRARY), part(WORKER))),
        "script": script,
    }
    template = part(TEMPLATE).encode("ascii", "xmlcharrefreplace").decode()
    return _SLOT.sub(lambda slot: slots[slot[1]], template)


def embedded(document: Mapping[str, object]) -> str:
    """A document as JSON that may stand in an HTML element: without `<`, `>`, `&` and anything beyond ASCII."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _worker(library: str, own: str) -> str:
    """The layout library, an ECMAScript module, and our code behind it as one classic script for a worker."""
    found = _EXPORTS.search(library)
    if found is None:
        raise ValueError("the layout library does not export Graphviz at its end")
    text = f"{library[: found.start()]}\nconst Graphviz = {found[1]};\n{own}"
    if re.search(r"</script|<!--", text, re.IGNORECASE):
        raise ValueError("the layout library cannot stand in an HTML element")
    return text


def _ascii(script: str) -> str:
    """A script with its other letters, which stand in strings and comments only, as JavaScript's escapes."""
    return _BEYOND.sub(lambda letter: f"\\u{ord(letter[0]):04x}", script)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
