"""A forge's REST API on loopback: what it is told to say, page by page, and a note of all that it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answers = Callable[[str, str, dict[str, list[str]]], tuple[int, object]]
"""Method, path and query in, status and document out; a list is given page by page."""


@dataclass
class Api:
    """`url` is where it answers; `seen` are its requests as METHOD PATH?QUERY, `headers` those of each."""

    answers: Answers
    url: str = ""
    seen: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    broken_page: int = 0
    """The number of a page that fails, 0 for none."""


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            api.seen.append(f"{self.command} {self.path}")
            api.headers.append({name.lower(): value for name, value in self.headers.items()})
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            status, found = api.answers(self.command, parts.path, query)
            size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
            link = ""
            if isinstance(found, list):
                rest = found[page * size :]
                found = found[(page - 1) * size : page * size]
                base = self.path.partition("&page=")[0]
                link = f'<{api.url}{base}&page={page + 1}>; rel="next"' if rest else ""
            if page == api.broken_page:
                status, found = 502, {"message": "Server Error"}
            body = b"" if status == 204 else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json; charset=utf-8")
            if link:
                self.send_header("Link", link)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_DELETE = do_POST = _answer

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def running_api(answers: Answers) -> Iterator[Api]:
    """An API that gives these answers."""
    api = Api(answers=answers)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
