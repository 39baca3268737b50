"""Traces as a receiver of OTLP gets them: whole, true, and without what a secret could be in."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from planner.cli.tracing import step_name
from tests.build.family import Family
from tests.build.remotes import free_port

SECRET = "hunter2-very-secret"  # noqa: S105 -- nobody's
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Receiver:
    """What came in, as bytes and as spans."""

    address: str = ""
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> dict[str, Span]:
        found: dict[str, Span] = {}
        for body in self.bodies:
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found |= {span.name: span for span in scope.spans}
        return found

    def environment(self, **more: str) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.address, **more}


@contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            found.bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def attributes(span: Span) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in span.attributes:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind)
        found[pair.key] = [one.string_value for one in value.values] if kind == "array_value" else value
    return found


def test_a_build_is_told_by_image_and_step_and_tells_no_secret(family: Family) -> None:
    space = family(
        images__yaml="version: 1\nregistry: registry.example/fam\nimages:\n"
        f"  base: {{dockerfile: base.Dockerfile, args: {{TOKEN: {SECRET}}}}}\n"
        "  app: {dockerfile: app.Dockerfile}\n",
        base__Dockerfile="FROM ubuntu:22.04\nARG TOKEN\nENV USED=$TOKEN\nWORKDIR /$TOKEN\nRUN echo $TOKEN\n",
        app__Dockerfile="FROM registry.example/fam/base\nRUN echo failing-words $USED >&2; exit 1\n",
    )
    with receiving() as receiver:
        # buildx would send spans of its own, with whole command lines in them.
        http = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        environment = receiver.environment(TRACEPARENT=PARENT, **http, **space.engine.environment)
        assert space.planner("build", "--trace", **environment).returncode == 1
    spans = receiver.spans
    run, base, app = spans["planner build"], spans["build base"], spans["build app"]
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == (PARENT.split("-")[1], PARENT.split("-")[2])
    assert base.parent_span_id == app.parent_span_id == run.span_id
    assert run.start_time_unix_nano <= base.start_time_unix_nano < base.end_time_unix_nano
    assert base.end_time_unix_nano <= app.start_time_unix_nano <= app.end_time_unix_nano <= run.end_time_unix_nano
    told = attributes(base)
    assert told["planner.image"] == "base"
    assert told["planner.key"].startswith("x3-")
    assert told["planner.reasons"] == ["first-build"]
    assert (told["planner.action"], told["planner.outcome"]) == ("build", "built")
    assert told["planner.digest"].startswith("sha256:")
    assert attributes(app)["planner.outcome"] == "failed"
    assert app.status.code == run.status.code == Status.STATUS_CODE_ERROR
    assert base.status.code == Status.STATUS_CODE_UNSET
    steps = [span for span in spans.values() if span.parent_span_id == base.span_id]
    assert any(span.name.endswith("] RUN") for span in steps)
    assert all(isinstance(attributes(span)["planner.cached"], bool) for span in steps)
    assert all(name.startswith(("planner ", "build ", "[", "exporting", "preparing")) for name in spans), list(spans)
    sent = b"".join(receiver.bodies)
    for secret in (SECRET.encode(), b"failing-words"):
        assert secret not in sent


def test_a_plan_and_what_was_reused_and_cached(family: Family) -> None:
    space = family()
    space.build("base")
    with receiving() as receiver:
        assert space.planner("plan", "--trace", **receiver.environment()).returncode == 0
        assert attributes(receiver.spans["plan base"])["planner.action"] == "reuse"
        assert attributes(receiver.spans["plan tool"])["planner.action"] == "build"
        space.write(
            {"base.Dockerfile": "FROM ubuntu:22.04\nCOPY base.txt /base.txt\nRUN cp /base.txt /made.txt\nLABEL a=b\n"}
        )
        words = ("build", "base", "--trace")
        assert space.planner(*words, **receiver.environment(**space.engine.environment)).returncode == 0
    cached = [span for span in receiver.spans.values() if attributes(span).get("planner.cached")]
    assert any(span.name.endswith("] RUN") for span in cached), "the engine has that step already"


def test_a_traced_plan_is_never_an_answer_of_old(family: Family) -> None:
    space = family()
    for times in (1, 2):
        with receiving() as receiver:
            assert space.planner("plan", "--since", "HEAD", "--trace", **receiver.environment()).returncode == 0
            assert len(receiver.bodies) == 1, times


@pytest.mark.parametrize("status", [0, 400])
def test_a_trace_that_does_not_arrive_fails_nothing(status: int, family: Family) -> None:
    space = family()
    with receiving(status) as receiver:
        address = receiver.address if status else f"http://127.0.0.1:{free_port()}"
        limit = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
        run = space.planner("plan", "--trace", OTEL_EXPORTER_OTLP_ENDPOINT=address, **limit)
    assert run.returncode == 0
    assert run.stderr.count("planner: warning: the trace") == 1
    assert "Traceback" not in run.stderr


def test_a_trace_for_nobody_is_a_mistake(family: Family) -> None:
    space = family()
    for command in ("plan", "build"):
        run = space.planner(command, "--trace", OTEL_EXPORTER_OTLP_ENDPOINT="")
        assert run.returncode == 2
        assert "OTEL_EXPORTER_OTLP_ENDPOINT is not set" in run.stderr


def test_without_a_trace_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys, planner.cli.build, planner.cli.plan, planner.cli.building\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google.protobuf'))])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[base 2/4] RUN curl -H token", "[base 2/4] RUN"),
        ("[2/3] WORKDIR /secret", "[2/3] WORKDIR"),
        ("[internal] load metadata for docker.io/x", "[internal] load"),
        ("exporting to image", "exporting"),
        ("https://user:password@e.example/x", "https"),
        ("\x1b[2J", "step"),
        ("", "step"),
    ],
)
def test_names_of_steps(text: str, name: str) -> None:
    assert step_name(text) == name
