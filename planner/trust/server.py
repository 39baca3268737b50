"""The token server over HTTP: two forms of one request (distribution's token specification), health and metrics."""

from __future__ import annotations

import base64
import binascii
import urllib.parse

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from planner.trust.exchange import Answer, Exchange, Request

MAX_BODY = 64 << 10
MAX_FIELDS = 64
QUIET = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def application(exchange: Exchange) -> Starlette:
    """The whole service: `/token`, `/healthz`, `/metrics`."""

    async def by_query(request: HttpRequest) -> Response:
        """GET with Basic authorization: the password is the identity token; without one, an anonymous request."""
        password = _password(request.headers.get("authorization", ""))
        if password is None:
            return _respond(Answer(status=401, document={"details": "refused: authorization"}))
        query = request.query_params
        return await _answered(request, query.get("service", ""), query.getlist("scope"), password)

    async def by_form(request: HttpRequest) -> Response:
        """POST of a form, as BuildKit and containerd ask first (OAuth 2, "password")."""
        fields = await _fields(request)
        if fields.get("grant_type", ["password"]) != ["password"]:
            return _respond(Answer(status=400, document={"error": "unsupported_grant_type"}))
        service, password = (_last(fields, name) for name in ("service", "password"))
        return await _answered(request, service, fields.get("scope", []), password)

    async def _answered(request: HttpRequest, service: str, scopes: list[str], token: str) -> Response:
        client = request.client.host if request.client is not None else ""
        words = tuple(word for text in scopes for word in text.split(" ") if word)
        asked = Request(service=service, scopes=words, token=token, client=client)
        if not token or exchange.verifier.is_proved(token):
            return _respond(exchange.answer(asked))
        # A provider's keys may have to be fetched, which must not hold up the others.
        return _respond(await run_in_threadpool(exchange.answer, asked))

    async def token(request: HttpRequest) -> Response:
        return await (by_form(request) if request.method == "POST" else by_query(request))

    async def healthz(request: HttpRequest) -> Response:
        return PlainTextResponse("ok\n", headers=QUIET)

    async def metrics(request: HttpRequest) -> Response:
        lines = ["# TYPE planner_token_requests_total counter"]
        lines += [
            f'planner_token_requests_total{{outcome="{name}"}} {n}' for name, n in sorted(exchange.counts.items())
        ]
        return PlainTextResponse("\n".join(lines) + "\n", headers=QUIET)

    return Starlette(
        routes=[
            Route("/token", token, methods=["GET", "POST"]),
            Route("/healthz", healthz, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _http_problem},
    )


async def _http_problem(request: HttpRequest, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"details": "refused"}, status_code=status, headers=QUIET)


async def _fields(request: HttpRequest) -> dict[str, list[str]]:
    """The fields of a form, at most MAX_BODY bytes of it. Raises HTTPException."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise HTTPException(413)
    except ClientDisconnect as error:
        raise HTTPException(400) from error
    try:
        text = body.decode("ascii")
        return urllib.parse.parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise HTTPException(400) from error


def _last(fields: dict[str, list[str]], name: str) -> str:
    """A field that may be given once; given twice it is none, since two readers might take different ones."""
    values = fields.get(name, [""])
    if len(values) != 1:
        raise HTTPException(400)
    return values[0]


def _password(header: str) -> str | None:
    """The password of a Basic authorization, "" without any, None for what is none."""
    if not header:
        return ""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        _, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return password if colon else None


def _respond(answer: Answer) -> Response:
    headers = dict(QUIET)
    if answer.retry:
        headers["Retry-After"] = str(answer.retry)
    return JSONResponse(dict(answer.document), status_code=answer.status, headers=headers)
