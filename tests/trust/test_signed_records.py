"""Records in a real registry that somebody else can write to: what is not signed as the policy asks is not reused.

Every attack has its controls: signed as it should be the same record is reused, and with no signatures asked for the
attack succeeds, so that the test is known to see it. Planted mistakes show that the attacks would find them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from planner.model.build import Record, Store, Stored
from planner.model.image import ImageName
from planner.plan import statement as statements
from planner.plan.statement import Statement, statement_bytes
from planner.registry.client import HttpRegistry
from planner.registry.leases import RegistryLeases
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.trust import dsse, seal
from tests.build.family import PIN, BuildSpace
from tests.build.shared import clone
from tests.engine.engine import Engine
from tests.trust.pushing import Client
from tests.trust.sealing import (
    MAIN,
    PR,
    SCOPE,
    STRANGER,
    Forger,
    bundle,
    edited,
    pem,
    public_text,
    right,
    section,
    signing,
)

APP = ImageName("app")
KEY, OTHER = "s2-" + "a" * 64, "s2-" + "b" * 64
RESOLVED = "s2-" + "c" * 64
POLICY = """\
version: 1
repositories: {{github: {{name: acme/images, id: 4711, owner: 42}}}}
protected: {{branches: [main], tags: ["v*"]}}
registries: {{cache: {{address: "{address}", isolation: path}}}}
scopes:
  main:
    {{registry: cache, cache: {path}/cache, images: {path}, write: [trusted], read: [release, trusted, pr, untrusted]}}
  release: {{registry: cache, cache: {path}-r/cache, images: {path}-r, write: [release], read: [release]}}
  pr: {{registry: cache, cache: "{path}-pr/{{number}}/c", images: "{path}-pr/{{number}}", write: [pr], read: [pr]}}
"""

Attack = Callable[[Statement], str]


def over(**changed: Any) -> Attack:
    """A true signature of main's over a record that says something else: moved over from there."""
    return lambda said: bundle(statement_bytes(replace(said, **changed), "main"))


def in_scope(scope: str) -> Attack:
    return lambda said: bundle(statement_bytes(said, scope))


def twice(said: Statement) -> str:
    other = base64.b64encode(statement_bytes(replace(said, digest="sha256:" + "0" * 64), "main")).decode()
    return right(said).replace('"payload":', f'"payload":"{other}","payload":')


def wrapped(said: Statement) -> str:
    """An envelope that says what the record says, with a true signature over something else."""
    good = base64.b64encode(statement_bytes(said, "main")).decode()
    signed = bundle(statement_bytes(replace(said, digest="sha256:" + "0" * 64), "main"))
    return edited(signed, lambda found: found["dsseEnvelope"].update(payload=good))


ATTACKS: dict[str, Attack] = {
    "unsigned": lambda said: "",
    "signed by the key of pull requests": lambda said: bundle(statement_bytes(said, "main"), PR),
    "signed by a stranger in main's name": lambda said: bundle(
        statement_bytes(said, "main"), STRANGER, hint=seal.key_id(seal.public_of(MAIN))
    ),
    "the signature of another key": over(key=OTHER),
    "the signature of another image's digest": over(digest="sha256:" + "0" * 64),
    "the signature of another image": over(image="other"),
    "the signature of another platform": over(platforms=("linux/arm64",)),
    "the signature of other inputs": over(record="sha256:" + "0" * 64),
    "the signature of another resolved key": over(resolved_key=OTHER),
    "the signature of another scope": in_scope("release"),
    "the signature of a pull request's scope": in_scope("pr/17"),
    "two payloads": twice,
    "the payload exchanged": wrapped,
    "another payload type": lambda said: bundle(statement_bytes(said, "main"), kind="text/plain"),
    "no bundle": lambda said: "{}",
}


@pytest.fixture
def place(engine: Engine, tmp_path: Path) -> str:
    """A prefix (HOST/PATH) of the open registry, where anybody may write."""
    return f"{engine.registry.address}/s-{tmp_path.name.replace('_', '-').lower()[-30:]}"


def pushed(engine: Engine, prefix: str, tag: str, content: bytes, image: str = APP) -> str:
    """Push a small image; its digest."""
    name = f"{prefix.partition('/')[2]}/{image}"
    assert Client(engine.registry).image(name, tag, content) == 201
    found = HttpRegistry().digest_of(f"{prefix}/{image}", tag)
    assert found is not None
    return found


def record(prefix: str, digest: str, key: str = KEY, image: str = APP) -> Record:
    return Record(
        image=ImageName(image),
        platforms=("linux/amd64",),
        key=key,
        resolved_key=RESOLVED,
        stored=Stored(store=Store.REGISTRY, digest=digest, repository=f"{prefix}/{image}"),
        built_at=1_700_000_000.0,
        seconds=1.0,
        manifests="",
    )


def records(prefix: str, folder: Path, believed: Any, *, offline: bool = False) -> PublishedRecords:
    return PublishedRecords(None if offline else HttpRegistry(), prefix, Snapshot(folder), believed)


def written(engine: Engine, prefix: str, folder: Path, attack: Attack, **more: str) -> str:
    """Write an image and a record of it as whoever can write to the registry; the image's digest."""
    digest = pushed(engine, prefix, more.get("key", KEY), b"evil")
    records(prefix, folder / "forger", Forger(attack)).add(record(prefix, digest, **more))
    return digest


WAYS = ("by key", "early cutoff", "after waiting for a lease", "to explain", "from the snapshot")


def used(prefix: str, folder: Path, way: str, believed: Any) -> bool:
    """Whether the record gets used in one of the ways that there are."""
    found = records(prefix, folder / "mine", believed)
    match way:
        case "by key":
            found.look({APP: KEY})
            return bool(found.find(APP, ("linux/amd64",), KEY))
        case "early cutoff":
            return bool(found.find_resolved(APP, ("linux/amd64",), RESOLVED))
        case "after waiting for a lease":
            taken = RegistryLeases(found, "me", 5.0).take(APP, KEY, lambda _: None, lambda: False)
            if isinstance(taken, Record):
                return True
            assert taken is not None
            taken.release()
            return False
        case "to explain":
            return found.latest(APP) is not None
    seen = records(prefix, folder / "mine", None)
    seen.look({APP: KEY})  # what a run before signatures were asked for, or somebody else, left in the folder
    seen.snapshot.save(prefix, 0.0)
    return bool(records(prefix, folder / "mine", believed, offline=True).find(APP, ("linux/amd64",), KEY))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attack", ["unsigned", "the signature of another scope"])
def test_no_way_uses_a_forged_record(engine: Engine, place: str, tmp_path: Path, way: str, attack: str) -> None:
    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, ATTACKS[attack])
    assert not used(place, tmp_path, way, believed)
    assert used(place, tmp_path, way, None), "control: nobody asks for signatures, and the attack succeeds"
    written(engine, place, tmp_path, right)
    assert used(place, tmp_path / "right", way, believed), "control: the right signature"


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_forged_record_is_used(engine: Engine, place: str, tmp_path: Path, attack: str) -> None:
    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, ATTACKS[attack])
    mine = records(place, tmp_path / "mine", believed)
    mine.look({APP: KEY})
    assert mine.find(APP, ("linux/amd64",), KEY) == []
    assert f"{place}/app:rec-{KEY} " in mine.warnings[0]
    assert mine.refused(APP)
    assert used(place, tmp_path / "off", "by key", None), "control: nobody asks for signatures, and the attack succeeds"
    written(engine, place, tmp_path, right)
    assert used(place, tmp_path / "right", "by key", believed), "control: the right signature"


def test_a_key_whose_time_is_over_is_believed_no_longer(engine: Engine, place: str, tmp_path: Path) -> None:
    written(engine, place, tmp_path, right)
    assert not used(place, tmp_path, "by key", seal.seal_of(signing(not_after=1.0), SCOPE))
    assert used(place, tmp_path, "by key", seal.seal_of(signing(not_after=4e9), SCOPE)), "control"


def test_who_cannot_sign_hides_no_signed_record(engine: Engine, place: str, tmp_path: Path) -> None:
    """A build that only reads records what it cut off; without a key that must not take the place of what is signed."""
    digest = written(engine, place, tmp_path, right)
    tag = f"{place}/app", f"rec-{KEY}"
    before = HttpRegistry().digest_of(*tag)
    reader = records(place, tmp_path / "reader", seal.seal_of(signing(), SCOPE))
    reader.add(replace(record(place, digest), built_at=1_800_000_000.0))
    assert HttpRegistry().digest_of(*tag) == before
    assert "is not signed" in reader.warnings[0]
    writer = records(place, tmp_path / "writer", seal.seal_of(signing(), SCOPE, MAIN))
    writer.add(replace(record(place, digest), built_at=1_800_000_000.0))
    assert HttpRegistry().digest_of(*tag) != before, "control"


def test_a_layer_that_was_exchanged_is_not_read(engine: Engine, place: str, tmp_path: Path) -> None:
    """The signature covers the layer's digest, and the layer is checked against it, also in the snapshot."""
    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, right)
    assert used(place, tmp_path, "to explain", believed), "control"
    (layer,) = (tmp_path / "mine" / "layers").iterdir()
    layer.write_bytes(b"evil")
    again = records(place, tmp_path / "mine", believed)
    assert again.latest(APP) is not None
    assert layer.read_bytes() != b"evil", "fetched anew"


def _forgets_scope(said: Statement, scope: str) -> bytes:
    document = json.loads(statement_bytes(said, scope))
    del document["scope"]
    return json.dumps(document).encode()


def _forgets_digest(said: Statement, scope: str) -> bytes:
    return statement_bytes(replace(said, digest=""), scope)


def _believes_the_envelope(self: seal.Seal, said: Statement, signature: str) -> str:
    """The usual mistake: the envelope's own payload is checked, and the record is believed to be it."""
    found = dsse.read(signature)
    key = next((one for one in self.keys if found and seal.key_id(one.public) == found.hint), None)
    if found is None or key is None:
        return "no"
    public = Ed25519PublicKey.from_public_bytes(key.public)
    public.verify(found.signature, dsse.signed_bytes(found.payload_type, found.payload))
    return ""


def _checks_after_use(self: PublishedRecords, *_: object) -> str:
    """Plants "verify after use": what was found is handed out, and the doubt is only noted."""
    return ""


PLANTED = [
    ("the signature of another scope", seal, "statement_bytes", _forgets_scope),
    ("the signature of another image's digest", seal, "statement_bytes", _forgets_digest),
    ("the signature of another key", seal.Seal, "doubt", _believes_the_envelope),
    ("unsigned", PublishedRecords, "_doubt", _checks_after_use),
]


@pytest.mark.parametrize(("attack", "where", "name", "mistake"), PLANTED)
def test_a_planted_mistake_is_found_by_its_attack(
    engine: Engine, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    attack: str, where: Any, name: str, mistake: Any,
) -> None:  # fmt: skip
    def forged(said: Statement) -> str:
        if where is not seal:
            return ATTACKS[attack](said)
        # What main signs for the release, or for another image, has to be made by the mistaken program itself.
        other = replace(said, digest="sha256:" + "0" * 64) if "digest" in attack else said
        return bundle(seal.statement_bytes(other, "release" if "scope" in attack else "main"))

    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, forged)
    assert not used(place, tmp_path, "by key", believed)
    monkeypatch.setattr(where, name, mistake)
    written(engine, place, tmp_path, forged)
    assert used(place, tmp_path / "planted", "by key", believed), "the attack sees the mistake"
    assert statements.statement_bytes is statement_bytes


# The whole command, on a family that was really built.


@pytest.fixture
def space(engine: Engine, place: str, tmp_path: Path) -> BuildSpace:
    made = BuildSpace(tmp_path / "a", engine)
    address, _, path = place.partition("/")
    names = "".join(f"  {name}: {{dockerfile: {name}.Dockerfile}}\n" for name in ("base", "side", "app"))
    made.write(
        {
            "images.yaml": f"version: 1\nregistry: {place}\nkeys: {{algorithm: sha256}}\nimages:\n{names}",
            "base.Dockerfile": "FROM scratch\nCOPY base.txt /\n",
            "side.Dockerfile": f"FROM {place}/base@{PIN}\nCOPY side.txt /\n",
            "app.Dockerfile": "FROM scratch\nCOPY app.txt /\n",
            **{f"{name}.txt": f"{name}\n" for name in ("base", "side", "app")},
            "policy.yaml": POLICY.format(address=address, path=path) + section(),
        }
    )
    made.commit()
    return made


def planned(space: BuildSpace, *words: str, status: int = 0) -> tuple[dict[str, Any], str]:
    run = space.planner("plan", "--against", "published", "--format", "json", *words, **space.engine.environment)
    assert run.returncode == status, run.stderr
    return {image["name"]: image for image in json.loads(run.stdout)["images"]}, run.stderr


def unsigned(space: BuildSpace) -> None:
    """Take the policy's word on signatures away: the control."""
    text = (space.root / "policy.yaml").read_text()
    (space.root / "policy.yaml").write_text(text.partition("signing:")[0])


def test_a_build_signs_and_others_believe_it(space: BuildSpace, tmp_path: Path) -> None:
    run = space.planner("build", "--push", **space.engine.environment)
    assert run.returncode == 1
    assert "records of main must be signed, and this run has no key" in run.stderr
    built = space.build("--push", PLANNER_SIGNING_KEY=pem(MAIN))
    other = clone(space, tmp_path / "b")
    found, _ = planned(other)
    assert {name: image["action"] for name, image in found.items()} == dict.fromkeys(found, "reuse")
    assert found["app"]["digest"] == built["app"]["digest"]
    assert "PLANNER_SIGNING_KEY" not in built[""]["error"]


def test_what_is_not_signed_is_built_and_told_of(engine: Engine, space: BuildSpace, place: str, tmp_path: Path) -> None:
    keys = space.keys()
    evil = pushed(engine, place, keys["base"], b"evil", "base")
    records(place, tmp_path / "forger", None).add(record(place, evil, keys["base"], "base"))

    found, _ = planned(space)
    told = "its record is not signed, as records of scope main must be, so it counts as absent"
    assert [reason["detail"] for reason in found["base"]["reasons"]] == [told]
    run = space.planner("plan", "--against", "published", **engine.environment)
    assert "is not signed" in run.stdout
    assert f"warning: {place}/base:rec-{keys['base']} is not signed" in run.stderr
    why = space.planner("why", "base", "--from", "published", **engine.environment)
    assert "is not signed" in why.stdout, why.stderr
    pin = space.planner("pin", "--check", **engine.environment)
    assert "not published as" in pin.stderr

    built = space.build("base", "--push", PLANNER_SIGNING_KEY=pem(MAIN))
    assert built["base"]["outcome"] == "built"
    assert built["base"]["digest"] != evil
    assert [reason["detail"] for reason in built["base"]["reasons"]] == [told]
    again, _ = planned(clone(space, tmp_path / "b"))
    assert again["base"]["digest"] == built["base"]["digest"], "control: it is signed now"


def test_without_signatures_asked_for_the_same_attack_succeeds(
    engine: Engine, space: BuildSpace, place: str, tmp_path: Path
) -> None:
    unsigned(space)
    keys = space.keys()
    evil = pushed(engine, place, keys["base"], b"evil", "base")
    records(place, tmp_path / "forger", None).add(record(place, evil, keys["base"], "base"))
    found, _ = planned(space)
    assert (found["base"]["action"], found["base"]["digest"]) == ("reuse", evil)
    pin = space.planner("pin", "--check", **engine.environment)
    assert evil in pin.stdout, pin.stderr
    reused = space.build("base", "--push")
    assert (reused["base"]["outcome"], reused["base"]["digest"]) == ("reused", evil)


def test_a_parent_is_taken_by_its_record_not_by_a_tag(engine: Engine, space: BuildSpace, place: str) -> None:
    """`--only` takes parents as published: a tag of the key alone, which nobody signed, is none."""
    pushed(engine, place, space.keys()["base"], b"evil", "base")
    run = space.planner("build", "side", "--only", **engine.environment)
    assert "side reads base, which is neither recorded nor published" in run.stderr
    space.build("base", "--push", PLANNER_SIGNING_KEY=pem(MAIN))
    assert space.build("side", "--only")["side"]["outcome"] == "built", "control"


def test_a_promotion_copies_what_is_signed_and_signs_it_for_its_place(
    engine: Engine, space: BuildSpace, place: str, tmp_path: Path
) -> None:
    space.build("--push", PLANNER_SIGNING_KEY=pem(MAIN))
    target = f"{place}-r"
    run = space.planner("promote", "--to", target, **engine.environment)
    assert "records of release must be signed" in run.stderr
    run = space.planner("promote", "--to", target, PLANNER_SIGNING_KEY=pem(MAIN), **engine.environment)
    assert run.returncode == 0, run.stderr
    other = clone(space, tmp_path / "b")
    found = other.document("plan", "--against", target)["images"]
    assert {image["action"] for image in found} == {"reuse"}
    moved = other.document("plan", "--against", f"{place}-pr/17")["images"]
    assert {image["action"] for image in moved} == {"build"}

    key = space.keys()["app"]
    evil = pushed(engine, place, key, b"evil")
    records(place, tmp_path / "forger", None).add(record(place, evil, key))
    run = space.planner("promote", "--to", target, PLANNER_SIGNING_KEY=pem(MAIN), **engine.environment)
    assert "not published in their current state" in run.stderr
    assert "is not signed" in run.stderr
    unsigned(space)
    run = space.planner("promote", "--to", target, **engine.environment)
    assert run.returncode == 0, "control: nobody asks for signatures"


def test_a_promotion_keeps_to_the_level(engine: Engine, space: BuildSpace, place: str, tmp_path: Path) -> None:
    from tests.trust.runs import environment_of

    space.build("--push", PLANNER_SIGNING_KEY=pem(MAIN))

    def promote(run: str, target: str) -> tuple[int, str]:
        environment = {**engine.environment, **environment_of(run, tmp_path), "PLANNER_SIGNING_KEY": pem(MAIN)}
        ended = space.planner("promote", "--to", target, **environment)
        return ended.returncode, ended.stderr

    for run in ("pr/17", "fork/17", "main"):
        status, said = promote(run, f"{place}-r")
        assert status == 1
        assert "refused: push to" in said
    assert promote("release", f"{place}-r")[0] == 0, "control"
    status, said = promote("release", f"{place}-elsewhere")
    assert (status, "refused: push to" in said) == (1, True)


def test_keys_are_changed_without_building(space: BuildSpace, tmp_path: Path) -> None:
    space.build("--push", PLANNER_SIGNING_KEY=pem(MAIN))
    policy = space.root / "policy.yaml"
    text = policy.read_text()
    after = text.replace(public_text(MAIN), public_text(STRANGER))
    policy.write_text(after)
    assert {image["action"] for image in planned(space)[0].values()} == {"build"}, (
        "control: the old key is gone at once"
    )
    policy.write_text(
        text.replace("  keys:\n", f'  keys:\n    next: {{public: "{public_text(STRANGER)}", scopes: [main]}}\n')
    )
    run = space.planner("signing-key", "renew", PLANNER_SIGNING_KEY=pem(STRANGER), **space.engine.environment)
    assert (run.returncode, run.stdout) == (0, "3 of 3 records are signed by this run's key\n"), run.stderr
    policy.write_text(after)
    assert {image["action"] for image in planned(space)[0].values()} == {"reuse"}
    why = space.planner("why", "app", "--from", "published", **space.engine.environment)
    assert why.returncode == 0, why.stderr


def test_the_command_makes_and_shows_keys_and_prints_no_secret(space: BuildSpace, tmp_path: Path) -> None:
    file = tmp_path / "new.pem"
    made = space.planner("signing-key", "init", str(file))
    assert made.returncode == 0, made.stderr
    shown = space.planner("signing-key", "show", PLANNER_SIGNING_KEY_FILE=str(file))
    assert "the policy does not name it" in shown.stdout, shown.stderr
    public = made.stdout.partition('public: "')[2].partition('"')[0]
    assert f'public: "{public}"' in shown.stdout
    for line in file.read_text().splitlines():
        assert line not in made.stdout + made.stderr + shown.stdout + shown.stderr
    shown = space.planner("signing-key", "show", PLANNER_SIGNING_KEY=pem(MAIN))
    assert "main signs for main, release" in shown.stdout
    assert space.planner("signing-key", "show").returncode == 1
    assert space.planner("signing-key", "init", str(file)).returncode == 1, "never written over"
