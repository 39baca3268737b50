"""What a relay does not build for a pull request, and what of its graph does not get out of its scope."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planner.model.frozen import replace
from planner.model.lock import Lock, LockedImage
from planner.model.names import Reference
from planner.registry.client import HttpRegistry
from planner.registry.inspect import inspect
from planner.sources import lock_file
from tests.engine import base_images
from tests.engine.install import busybox
from tests.trust.pushing import INDEX, Client, entry
from tests.trust.relaying import Sides, files, published, refused, tags


def test_what_the_commit_does_not_have_is_not_built(sides: Sides) -> None:
    sides.propose(base__txt="edited\n")
    request = sides.ask("base")
    image = request["images"][0]
    for changed, told in (
        ({"key": "s2-" + "0" * 64}, f"its key is {image['key']}"),
        ({"name": "other"}, "the commit has no such image"),
        ({"platforms": ["linux/s390x"]}, "the commit builds it for linux/amd64"),
    ):
        refused(sides, {**request, "images": [{**image, **changed}]}, told)
    assert sides.serve(request).returncode == 0, "control"


def test_more_than_the_policy_allows_is_not_built(sides: Sides) -> None:
    sides.propose(base__txt="edited\n")
    refused(sides, sides.ask(), "3 images would be built, and relay.images is 2")
    assert sides.serve(sides.ask("base", "app")).returncode == 0, "control"


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("secrets: [id=token]", "asks for secrets"),
        ("ssh: [default]", "asks for ssh"),
        ("network: host", "asks for network host"),
    ],
)
def test_nothing_is_built_with_what_a_pull_request_does_not_get(sides: Sides, declared: str, told: str) -> None:
    """Also where it is a parent of what is asked for."""
    text = files(sides.prefix)["images.yaml"]
    sides.propose(
        images__yaml=text.replace("{dockerfile: base.Dockerfile}", f"{{dockerfile: base.Dockerfile, {declared}}}")
    )
    refused(sides, sides.ask("app"), f"base: {told}")


def test_another_pull_requests_images_are_not_read(sides: Sides) -> None:
    name = f"{sides.prefix}/pr/18/secret:latest"
    assert Client(sides.engine.registry).image(f"{sides.path}/pr/18/secret", "latest") == 201
    sides.propose(base__Dockerfile=f"FROM {name}\nCOPY base.txt /\n")
    refused(sides, sides.ask("base"), "which a pull request may not")


def test_no_frontend_is_named_by_the_name_of_an_argument(sides: Sides) -> None:
    """buildx takes what stands before the first = for the name."""
    graph, name = files(sides.prefix)["images.yaml"], f"{sides.prefix}/pr/18/frontend:1"
    own = f'base.Dockerfile, args: {{"BUILDKIT_SYNTAX={name} ": x}}'
    sides.propose(base__txt="edited\n")
    request = sides.ask("base")
    commit = sides.propose(images__yaml=graph.replace("base.Dockerfile", own))
    run = sides.serve({**request, "commit": commit})
    assert run.returncode == 1
    assert "would be given to the build as BUILDKIT_SYNTAX" in run.stderr
    assert tags(sides, "pr/17") == {}


@pytest.mark.parametrize("by_argument", [False, True])
def test_another_pull_requests_frontend_is_not_run(sides: Sides, by_argument: bool) -> None:
    """A frontend is a program that reads the Dockerfile: the builder pulls and runs it."""
    name = f"{sides.prefix}/pr/18/frontend:1"
    graph, dockerfile = files(sides.prefix)["images.yaml"], files(sides.prefix)["base.Dockerfile"]
    if by_argument:
        own = f'base.Dockerfile, args: {{BUILDKIT_SYNTAX: "{name}"}}'
        sides.propose(images__yaml=graph.replace("base.Dockerfile", own))
    else:
        sides.propose(base__Dockerfile=f"# syntax={name}\n{dockerfile}")
    refused(sides, sides.ask("app"), f"base: is read by the frontend {name}")


def test_tags_and_registry_of_a_pull_requests_graph_do_not_leave_its_scope(sides: Sides) -> None:
    published(sides)
    before = tags(sides, "images")
    text = files(sides.prefix)["images.yaml"]
    evil = (
        f"{{dockerfile: base.Dockerfile, tags: ['{sides.prefix}/images/base:v1', '{sides.prefix}/images/app:latest']}}"
    )
    text = text.replace("{dockerfile: base.Dockerfile}", evil).replace("app: {dockerfile: app.Dockerfile}", "")
    text = text.replace("more: {dockerfile: more.Dockerfile}", "")
    sides.propose(images__yaml=text, base__txt="edited\n")
    run = sides.serve(sides.ask("base"))
    assert run.returncode == 0, run.stderr
    assert tags(sides, "images") == before
    assert "base:latest" in tags(sides, "pr/17"), "control: its own tags are given"


def test_variables_of_the_trusted_run_do_not_get_into_images(sides: Sides) -> None:
    """A graph file may ask for any variable; here there is none, so that keys are the same on both sides."""
    text = files(sides.prefix)["images.yaml"].replace("images:\n", "variables: {SOME_VALUE: none}\nimages:\n", 1)
    asking = "{dockerfile: base.Dockerfile, args: {LEAK: '${SOME_VALUE}'}}"
    text = text.replace("{dockerfile: base.Dockerfile}", asking)
    sides.propose(images__yaml=text, base__Dockerfile="FROM scratch\nARG LEAK\nCOPY base.txt /${LEAK}.txt\n")
    request = sides.ask("base")
    assert request == sides.ask("base", SOME_VALUE="hunter2")
    with_it, without = (sides.outside("key", "base", **one).stdout for one in ({"SOME_VALUE": "hunter2"}, {}))
    assert with_it != without, "control: other commands do read it"
    run = sides.serve(request, SOME_VALUE="hunter2")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["images"][0]["key"] == request["images"][0]["key"]


@pytest.mark.parametrize("lie", [{}, {"onbuild": ("RUN true",)}, {"workdir": "/elsewhere"}])
def test_a_lock_that_denies_what_a_base_is_stops_the_relay(sides: Sides, lie: dict[str, Any]) -> None:
    """A base's triggers stand in its configuration alone: what they read is refused by what the lock says of them."""
    engine, secret = sides.engine, f"{sides.path}/pr/18/secret"
    base_images.push(engine.registry, base_images.base_image(busybox(), "secret"), secret)
    place = f"{engine.registry.address}/{secret}"
    trigger = f"COPY --from={place} /etc/image-name /stolen"
    base_images.push(engine.registry, base_images.base_image(busybox(), "evil", (trigger,)), f"{sides.path}/evil:1")
    name = f"{sides.reading.address}/{sides.path}/evil:1"
    told = inspect(HttpRegistry(), Reference.parse(name), ["linux/amd64"])
    text = f"FROM {name}\nCOPY base.txt /\n"
    sides.propose(base__Dockerfile=text, images__lock=lock_file.write(Lock(images={name: told})))
    refused(sides, sides.ask("base"), f"reads {place}:latest, which a pull request may not")

    false = replace(told.platforms["linux/amd64"], **{"onbuild": (), **lie})
    lock = Lock(images={name: LockedImage(digest=told.digest, platforms={"linux/amd64": false})})
    sides.propose(images__lock=lock_file.write(lock))
    refused(sides, sides.ask("base"), f"images.lock does not say of {name} what its registry says")

    honest = base_images.base_image(busybox(), "honest", ("COPY more.txt /",))
    base_images.push(engine.registry, honest, f"{sides.path}/evil:1")
    told = inspect(HttpRegistry(), Reference.parse(name), ["linux/amd64"])
    sides.propose(images__lock=lock_file.write(Lock(images={name: told})))
    assert sides.serve(sides.ask("base")).returncode == 0, "control"


def test_an_old_frontend_does_not_read_another_dockerfile_than_is_looked_at(sides: Sides) -> None:
    secret = f"{sides.prefix}/pr/18/secret"
    sides.propose(base__Dockerfile=f"# syntax=docker/dockerfile:1.2\nFROM scratch\nCOPY <<#X /a\nFROM {secret}\n#X\n")
    refused(sides, sides.ask("base"), "neither the newest one nor one of main's")


def test_what_is_built_over_a_base_without_a_lock_leaves_no_cache(sides: Sides) -> None:
    """Triggers of such a base are seen when it is built, which may be too late to take back what was exported."""
    engine = sides.engine
    base_images.push(engine.registry, base_images.base_image(busybox(), "plain"), f"{sides.path}/plain:1")
    name = f"{sides.reading.address}/{sides.path}/plain:1"
    sides.propose(base__Dockerfile=f"FROM {name}\nCOPY base.txt /\n", app__Dockerfile="FROM scratch\nCOPY app.txt /\n")
    assert sides.serve(sides.ask("base", "app")).returncode == 0
    left = {one: engine.registry.tags(f"{sides.path}/pc/17/{one}") for one in ("base", "app")}
    assert not left["base"]
    assert left["app"], "control"
    lock = Lock(images={name: inspect(HttpRegistry(), Reference.parse(name), ["linux/amd64"])})
    sides.propose(images__lock=lock_file.write(lock), base__txt="edited\n")
    assert sides.serve(sides.ask("base")).returncode == 0
    assert engine.registry.tags(f"{sides.path}/pc/17/base")


def test_a_base_that_is_read_on_the_builders_platform_has_no_other_triggers_there(sides: Sides) -> None:
    """A lock has the platforms that are built for, and the builder's own is no one of them."""
    engine, client = sides.engine, HttpRegistry()
    secret, path = f"{sides.prefix}/pr/18/secret", f"{sides.path}/evil"
    base_images.push(engine.registry, base_images.base_image(busybox(), "secret"), secret.partition("/")[2])
    listed = []
    for architecture, trigger in (("s390x", "RUN true"), ("amd64", f"COPY --from={secret} /etc/image-name /stolen")):
        made = base_images.base_image(busybox(), architecture, (trigger,))
        base_images.push(engine.registry, made, f"{path}:{architecture}")
        platform = {"os": "linux", "architecture": architecture}
        listed.append({**entry(made.manifest, base_images.MANIFEST), "platform": platform})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
    client.put(f"{engine.registry.address}/{path}", "1", index, INDEX)
    name = f"{sides.reading.address}/{path}:1"
    lock = Lock(images={name: inspect(client, Reference.parse(name), ["linux/s390x"])})
    graph = files(sides.prefix)["images.yaml"].replace("base.Dockerfile", "base.Dockerfile, platforms: [linux/s390x]")
    text = f"FROM --platform=$BUILDPLATFORM {name} AS tool\nFROM scratch\nCOPY --from=tool / /\n"
    sides.propose(images__yaml=graph, base__Dockerfile=text, images__lock=lock_file.write(lock))
    refused(sides, sides.ask("base"), "has other triggers on other platforms")


def test_a_build_policy_of_a_pull_request_puts_no_other_base_in_its_place(sides: Sides) -> None:
    """It may pin an image to another digest, whose triggers nobody looked at."""
    engine, client = sides.engine, HttpRegistry()
    secret, path = f"{sides.prefix}/pr/18/secret", f"{sides.path}/evil"
    base_images.push(engine.registry, base_images.base_image(busybox(), "secret"), secret.partition("/")[2])
    evil = base_images.base_image(busybox(), "evil", (f"COPY --from={secret} /etc/image-name /stolen",))
    base_images.push(engine.registry, evil, f"{path}:2")
    base_images.push(engine.registry, base_images.base_image(busybox(), "plain"), f"{path}:1")
    name = f"{sides.reading.address}/{path}:1"
    lock = Lock(images={name: inspect(client, Reference.parse(name), ["linux/amd64"])})
    rules = (
        "package docker\n\ndefault allow := false\n\nallow if not input.image\n\n"
        'allow if not contains(input.image.ref, "evil")\n\n'
        f'allow if {{\n contains(input.image.ref, "evil")\n pin_image(input.image, "{evil.digest}")\n}}\n\n'
        'decision := {"allow": allow}\n'
    )
    edits = {"base__Dockerfile": f"FROM {name}\nCOPY base.txt /\n", "images__lock": lock_file.write(lock)}
    sides.propose(**edits, base__Dockerfile__rego=rules)
    refused(sides, sides.ask("base"), "has a build policy that main has not: base.Dockerfile.rego")
    allow = 'package docker\n\ndecision := {"allow": true}\n'
    sides.trusted.write({"base.Dockerfile.rego": allow})
    sides.propose(base__Dockerfile__rego=allow)
    assert sides.serve(sides.ask("base")).returncode == 0, "control: main's own"
