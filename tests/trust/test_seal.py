"""Signatures of records: what they cover, whom they are believed of, and the forms that they come in."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.plan.statement import STATEMENT, Statement, statement_bytes
from planner.policy.scopes import Scope
from planner.policy.signing import Signing
from planner.trust import dsse, seal
from tests.trust.sealing import MAIN, PR, SCOPE, STRANGER, bundle, edited, pem, right, signing

SAID = Statement(
    image="app",
    platforms=("linux/amd64",),
    key="s2-" + "1" * 64,
    resolved_key="s2-" + "2" * 64,
    digest="sha256:" + "3" * 64,
    record="sha256:" + "4" * 64,
    created="2026-01-01T00:00:00Z",
)
BELIEVED = seal.seal_of(signing(), SCOPE, MAIN)


def test_what_is_signed_is_the_encoding_of_the_specification() -> None:
    """The vector of secure-systems-lab/dsse, protocol.md: its own key, and a signature that others made."""
    encoded = dsse.signed_bytes("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    made = "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    raw = base64.b64decode(made)
    pair = (int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(utils.encode_dss_signature(*pair), encoded, ec.ECDSA(hashes.SHA256()))


def test_a_signature_is_a_sigstore_bundle_that_names_its_key() -> None:
    document = json.loads(BELIEVED.signature(SAID))
    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert document["verificationMaterial"] == {"publicKey": {"hint": seal.key_id(seal.public_of(MAIN))}}
    envelope = document["dsseEnvelope"]
    assert base64.b64decode(envelope["payload"]) == statement_bytes(SAID, "main")
    assert envelope["payloadType"] == STATEMENT
    assert len(envelope["signatures"]) == 1
    assert BELIEVED.signature(SAID) == right(SAID), "the same text for the same record"


def test_a_right_signature_is_believed() -> None:
    assert BELIEVED.doubt(SAID, right(SAID)) == ""


@pytest.mark.parametrize("name", [field.name for field in fields(Statement)])
def test_every_fact_is_covered(name: str) -> None:
    before = getattr(SAID, name)
    other = replace(SAID, **{name: ("linux/arm64",) if name == "platforms" else before[:-1] + "5"})
    assert BELIEVED.doubt(other, right(SAID)) == "is not what main signed for scope main"


@given(st.data())
def test_no_two_statements_are_spelled_alike(data: st.DataObject) -> None:
    texts = st.text(max_size=4)
    made = st.builds(
        Statement,
        image=texts,
        platforms=st.lists(texts, max_size=2).map(tuple),
        key=texts,
        resolved_key=texts,
        digest=texts,
        record=texts,
        created=texts,
    )
    one, other = data.draw(made), data.draw(made)
    scopes = data.draw(st.tuples(texts, texts))
    spelled = (statement_bytes(one, scopes[0]), statement_bytes(other, scopes[1]))
    assert (spelled[0] == spelled[1]) == ((one, scopes[0]) == (other, scopes[1]))


@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()))
def test_any_text_is_doubted(text: str) -> None:
    assert BELIEVED.doubt(SAID, text) != ""


def _twice(text: str) -> str:
    """The payload stands twice: parsers differ in which one they take."""
    return text.replace('"payload":', f'"payload":"{base64.b64encode(b"{}").decode()}","payload":')


def _set(path: str, value: Any) -> Any:
    def edit(document: dict[str, Any]) -> None:
        *folders, last = path.split(".")
        for name in folders:
            document = document[name]
        document[last] = value

    return lambda text: edited(text, edit)


@pytest.mark.parametrize(
    ("trick", "doubt"),
    [
        (_twice, "cannot be read"),
        (_set("dsseEnvelope.payload", base64.b64encode(b"{}").decode()), "says something else"),
        (_set("dsseEnvelope.payloadType", "application/vnd.in-toto+json"), "says something else"),
        (_set("dsseEnvelope.signatures", []), "cannot be read"),
        (_set("mediaType", "application/vnd.dev.sigstore.bundle.v0.1+json"), "cannot be read"),
        (lambda text: edited(text, lambda found: found["dsseEnvelope"]["signatures"].append({})), "cannot be read"),
        (lambda text: text[:-1], "cannot be read"),
        (lambda text: text + " " * dsse.MAX_BUNDLE, "cannot be read"),
        (lambda text: "[" * 100_000, "cannot be read"),
    ],
)
def test_an_envelope_has_one_reading(trick: Any, doubt: str) -> None:
    assert doubt in BELIEVED.doubt(SAID, trick(right(SAID)))


def test_a_signature_for_another_payload_type_does_not_count() -> None:
    payload = statement_bytes(SAID, "main")
    assert BELIEVED.doubt(SAID, bundle(payload, kind="application/vnd.in-toto+json"))
    assert BELIEVED.doubt(SAID, bundle(payload)) == "", "control"


def test_spaces_in_the_signed_text_do_not_count() -> None:
    pretty = json.dumps(json.loads(statement_bytes(SAID, "main")), indent=1).encode()
    assert BELIEVED.doubt(SAID, bundle(pretty))


def test_only_keys_of_the_scope_are_believed() -> None:
    payload = statement_bytes(SAID, "main")
    assert "does not name for scope main" in BELIEVED.doubt(SAID, bundle(payload, PR))
    assert "does not name" in BELIEVED.doubt(SAID, bundle(payload, STRANGER))
    stolen = bundle(payload, STRANGER, hint=seal.key_id(seal.public_of(MAIN)))
    assert BELIEVED.doubt(SAID, stolen) == "is not what main signed for scope main"


def test_a_pull_requests_signature_is_for_that_pull_request() -> None:
    theirs, others = (seal.seal_of(signing(), Scope(kind="pr", number=number), PR) for number in (17, 18))
    made = theirs.signature(SAID)
    assert theirs.doubt(SAID, made) == ""
    assert others.doubt(SAID, made) == "is not what pulls signed for scope pr/18"


def test_a_key_counts_until_its_day_is_over() -> None:
    def doubt(at: float) -> str:
        return replace(seal.seal_of(signing(not_after=1000.0), SCOPE), clock=lambda: at).doubt(SAID, right(SAID))

    assert doubt(999.0) == ""
    assert doubt(1000.0) == "is signed by main, which counts no longer"


def test_where_no_signature_is_asked_an_unsigned_record_counts_and_a_wrong_one_does_not() -> None:
    pulls = seal.seal_of(signing(), Scope(kind="pr", number=17))
    assert not pulls.required
    assert pulls.doubt(SAID, "") == ""
    assert pulls.doubt(SAID, right(SAID)) != ""


def test_outside_of_all_scopes_nothing_counts() -> None:
    outside = seal.seal_of(signing(), None, MAIN)
    assert outside.doubt(SAID, right(SAID)) != ""
    assert outside.doubt(SAID, "") != ""


def test_who_writes_must_be_able_to_sign() -> None:
    assert seal.sealing(signing(), SCOPE, MAIN).signer is MAIN
    with pytest.raises(PlannerError, match="this run has no key"):
        seal.sealing(signing(), SCOPE, None)
    with pytest.raises(PlannerError, match="signs nothing for main"):
        seal.sealing(signing(), SCOPE, PR)
    with pytest.raises(PlannerError, match="counts no longer"):
        seal.sealing(signing(not_after=1.0), SCOPE, MAIN)
    assert seal.sealing(signing(), Scope(kind="pr", number=17), None).signature(SAID) == ""
    assert seal.sealing(Signing(keys=(), required=()), SCOPE, MAIN).signature(SAID) == ""


def test_a_private_key_is_taken_out_of_the_environment() -> None:
    environment = {seal.GIVEN: pem(MAIN), "OTHER": "x"}
    found = seal.given_key(environment)
    assert found is not None
    assert seal.public_of(found) == seal.public_of(MAIN)
    assert environment == {"OTHER": "x"}
    assert seal.given_key({}) is None


def test_a_key_that_cannot_be_used_is_told_of_without_showing_it(tmp_path: Path) -> None:
    inside = "c2VjcmV0"
    with pytest.raises(PlannerError) as told:
        seal.given_key({seal.GIVEN: f"-----BEGIN PRIVATE KEY-----\n{inside}\n-----END PRIVATE KEY-----"})
    assert inside not in str(told.value)
    file = tmp_path / "key.pem"
    seal.new_key(file)
    assert seal.given_key({seal.FILE: str(file)}) is not None
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(PlannerError, match="is there already, and no key is written over it"):
        seal.new_key(file)
    file.chmod(0o644)
    with pytest.raises(PlannerError, match="others can read it"):
        seal.given_key({seal.FILE: str(file)})
