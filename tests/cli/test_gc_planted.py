"""Clean-up of scopes in which somebody planted things, or of which one cannot be cleaned: all others end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from planner.registry.artefact import EMPTY, EMPTY_BLOB, MANIFEST, referrers_tag
from planner.registry.client import INDEXES, digest_of
from planner.registry.quarantine import QUARANTINE
from tests.cli.cleaned import Github
from tests.cli.cleaned_scopes import CLIENT, EVENT, EVERYTHING, GRAPH, OF_17, POLICY, Space, scopes_space
from tests.engine.engine import Engine
from tests.registry.apis import running_api
from tests.registry.faults import Fault, faulty
from tests.registry.stocked import document, entry, key_of, stock_lease


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> Iterator[Space]:
    with scopes_space(tmp_path, engine) as made:
        yield made


def put(repository: str, tag: str, media_type: str, **fields: object) -> dict[str, object]:
    """Push any manifest, with or without a tag; gives the entry of an index for it."""
    body = document(media_type, **fields)
    CLIENT.put(repository, tag or digest_of(body), body, media_type)
    return entry(body, media_type)


def an_index_with_an_untagged_quarantine(repository: str) -> None:
    inner = put(repository, "", INDEXES[0], artifactType=QUARANTINE, manifests=[])
    put(repository, "boom", INDEXES[0], manifests=[inner])


def a_layer_without_a_size(repository: str) -> None:
    blob = CLIENT.put_blob(repository, EMPTY_BLOB)
    config = {"mediaType": EMPTY, "digest": blob, "size": len(EMPTY_BLOB)}
    put(repository, "boom", MANIFEST, config=config, layers=[{"mediaType": EMPTY, "digest": blob}])


def a_quarantine_without_notes(repository: str) -> None:
    found = CLIENT.fetch(repository, key_of(3))
    assert found is not None
    put(repository, "boom", INDEXES[0], artifactType=QUARANTINE, manifests=[entry(found.body, INDEXES[0])])


def a_circle_through_a_tag(repository: str) -> None:
    index = CLIENT.fetch(repository, key_of(3))
    assert index is not None
    child = index.document["manifests"][0]["digest"]
    CLIENT.delete(repository, referrers_tag(index.digest))
    CLIENT.tag(repository, child, referrers_tag(index.digest))


def a_lease_of_the_future(repository: str) -> None:
    stock_lease(CLIENT, repository, key_of(3), 4e9)


@pytest.mark.parametrize(
    "plant",
    [
        an_index_with_an_untagged_quarantine,
        a_layer_without_a_size,
        a_quarantine_without_notes,
        a_circle_through_a_tag,
        a_lease_of_the_future,
    ],
)
def test_nothing_that_a_pull_request_plants_keeps_its_scope(space: Space, plant: Callable[[str], None]) -> None:
    plant(f"{space.host}/pr/17/app")
    space.gc("--closed", os.fspath(EVENT), "--apply")
    assert space.there() == EVERYTHING - OF_17


def test_a_scope_that_cannot_be_cleaned_keeps_no_other_one(space: Space, tmp_path: Path) -> None:
    """The registry answers nothing about one repository, and refuses to delete in another one."""
    listed = tmp_path / "ended"
    listed.write_text("1\n17\n18\n")
    with faulty(space.host) as proxy:

        def fault(line: str) -> Fault | None:
            is_lost = "/pr/1/app/tags" in line and "/cache/" not in line
            return Fault.FORBIDDEN if is_lost or line.startswith("DELETE /v2/cache/pr/17/app/") else None

        proxy.always = fault
        space.write(
            {
                "images.yaml": GRAPH.format(host=proxy.address),
                "policy.yaml": POLICY.format(host=proxy.address),
            }
        )
        run = space.planner("gc", "--scopes", "--closed", os.fspath(listed), "--apply")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert f"{proxy.address}/pr/1/app" in run.stderr
    assert f"{proxy.address}/cache/pr/17/app" in run.stderr
    assert "pr/18: the pull request ended" in run.stdout
    kept = {"pr/1/app", "cache/pr/17/app", "images/app", "release/app", "cache/main/app"}
    assert space.there() == kept


def test_of_ghcr_a_package_goes_of_which_nothing_stays(space: Space) -> None:
    """GitHub deletes the last version with a tag only together with the package."""
    pinned = CLIENT.digest_of(f"{space.host}/pr/18/app", key_of(4))
    space.write({"deploy.yaml": f"image: {space.host}/pr/18/app@{pinned}\n"})
    space.commit()
    places = [f"{space.host}/{place}/app" for place in ("pr/1", "pr/17", "pr/18", "cache/pr/1", "cache/pr/17")]
    packages = [Github(place, {}) for place in places]
    lost = f"sha256:{'7' * 64}"
    packages[1] = Github(places[1], {lost: 30.0})

    def answers(method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if path.startswith(packages[0].package) and method == "DELETE":
            return 404, {"message": "Package not found."}
        found = [one(method, path, query) for one in packages if path.startswith(one.package)]
        return found[0] if found else (404, {"message": "Not Found"})

    listed = space.root.parent / "ended"
    listed.write_text("1\n17\n18\n")
    words = ("gc", "--scopes", "--closed", os.fspath(listed), "--registry-kind", "ghcr", "--apply")
    with running_api(answers) as api:
        run = space.planner(*words, GITHUB_API_URL=api.url)
    assert run.returncode == 1, "GitHub hides from a token what it may not delete"
    assert "1 of 5 repositories were not cleaned" in run.stderr
    assert f"{places[0]}: GitHub does not delete the package (status 404): Package not found." in run.stderr
    assert space.there() == EVERYTHING - OF_17 - {"cache/pr/1/app"}
    assert CLIENT.digest_of(places[2], str(pinned)) == pinned
    assert [line.partition("?")[0] for line in api.seen if line.startswith("DELETE") and "/versions" not in line] == [
        f"DELETE {packages[number].package}" for number in (3, 4, 0, 1)
    ]
