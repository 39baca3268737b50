"""Exchanges an identity token for a registry token: checks, judges, grants, signs, and writes down what it did.

Knows nothing of HTTP. The decision is `planner.policy`'s; this room only brings it what it needs.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from joserfc import jwt

from planner.policy.claims import run_of
from planner.policy.grants import Grant, asked, granted
from planner.policy.levels import Judged, Origin, Run, judge
from planner.policy.policy import Policy, TokenServer
from planner.trust.identity_token import LEEWAY, Refused, Verified, Verifier
from planner.trust.limits import RateLimit, Uses
from planner.trust.signing_keys import ALGORITHM, SigningKeys

LIFETIME = 300
"""Seconds for which a registry token holds."""
MAX_SCOPES = 32
MAX_TEXT = 200
WHAT = ("repository", "repository_id", "project_path", "project_id", "ref", "ref_path")
WHO = ("event_name", "pipeline_source", "actor", "user_login", "run_id", "job_id", "workflow_ref", "runner_environment")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a client asks: scopes as it wrote them, the identity token or "" for none, and its address."""

    service: str
    scopes: tuple[str, ...]
    token: str
    client: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What it gets: an HTTP status and a document; `retry` is after how many seconds it may ask again."""

    status: int
    document: Mapping[str, object]
    retry: int = 0


@dataclass
class Exchange:
    """The exchange. `audit` takes one JSON document a line; no token is ever part of one."""

    policy: Policy
    server: TokenServer
    verifier: Verifier
    keys: SigningKeys
    clock: Callable[[], float]
    audit: TextIO
    rate: RateLimit
    uses: Uses
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Answer:
        """Never raises for anything that a client can send."""
        with self._lock:
            allowed = self.rate.allows(request.client)
        if not allowed:
            self._count("limited")
            return Answer(status=429, document=_problem("TOOMANYREQUESTS", "too many requests"), retry=1)
        if request.service != self.server.service:
            return self._refuse(request, 400, "service")
        if len(request.scopes) > MAX_SCOPES:
            return self._refuse(request, 400, "scopes")
        verified: Verified | None = None
        run = Run()  # without a token nothing is known of the run, so it is untrusted
        if request.token:
            try:
                verified = self.verifier.verify(request.token)
            except Refused as refused:
                return self._refuse(request, 401, refused.reason)
            run = run_of(verified.provider, verified.claims, self.policy.identity)
            # A stranger's token gets what everybody gets; to note it would let strangers fill what is kept in mind.
            if run.origin is Origin.SAME and not self._is_fresh(verified, request.client):
                return self._refuse(request, 401, "replayed", verified)
        judged = judge(run)
        wanted = [one for text in request.scopes if (one := asked(text)) is not None]
        grants = granted(self.policy, run, wanted)
        self._write(request, "granted", "", verified, judged, grants)
        self._count("granted")
        return Answer(status=200, document=self._token(judged, grants))

    def _is_fresh(self, verified: Verified, client: str) -> bool:
        with self._lock:
            return self.uses.allows(verified.token_id, client, verified.ends + LEEWAY)

    def _count(self, outcome: str) -> None:
        with self._lock:
            self.counts[outcome] += 1

    def _token(self, judged: Judged, grants: Sequence[Grant]) -> Mapping[str, object]:
        """The registry token (distribution, "Token authentication implementation"), and the answer that carries it."""
        now = int(self.clock())
        access = [
            {"type": "repository", "name": grant.name, "actions": list(grant.actions)}
            for grant in grants
            if grant.actions
        ]
        claims = {
            "iss": self.server.issuer,
            "aud": self.server.service,
            "sub": str(judged.level),
            "iat": now,
            "nbf": now - LEEWAY,
            "exp": now + LIFETIME,
            "jti": secrets.token_hex(16),
            "access": access,
        }
        key = self.keys.current
        token = jwt.encode({"alg": ALGORITHM, "typ": "JWT", "kid": key.kid}, claims, key)
        return {"token": token, "access_token": token, "expires_in": LIFETIME}

    def _refuse(self, request: Request, status: int, reason: str, verified: Verified | None = None) -> Answer:
        self._count("refused")
        self._write(request, "refused", reason, verified, None, ())
        code = "UNAUTHORIZED" if status == 401 else "DENIED"
        return Answer(status=status, document=_problem(code, f"refused: {reason}"))

    def _write(
        self,
        request: Request,
        outcome: str,
        reason: str,
        verified: Verified | None,
        judged: Judged | None,
        grants: Sequence[Grant],
    ) -> None:
        claims = verified.claims if verified is not None else {}
        line = {
            "version": 1,
            "time": round(self.clock(), 3),
            "outcome": outcome,
            "reason": reason,
            "client": request.client,
            "provider": verified.provider if verified is not None else "",
            "level": judged.level.value if judged is not None else "",
            "why": judged.why if judged is not None else "",
            "run": {name: str(claims[name])[:MAX_TEXT] for name in (*WHAT, *WHO) if name in claims},
            "asked": [text[:MAX_TEXT] for text in request.scopes[:MAX_SCOPES]],
            "granted": [f"{grant.name}:{','.join(grant.actions)}" for grant in grants if grant.actions],
        }
        # Escaped to ASCII, so that nothing that a client sends can begin a line or move a terminal's cursor.
        with self._lock:
            self.audit.write(json.dumps(line, ensure_ascii=True) + "\n")
            self.audit.flush()


def _problem(code: str, message: str) -> Mapping[str, object]:
    """An error as registries tell it, so that clients show it."""
    return {"errors": [{"code": code, "message": message}], "details": message}
