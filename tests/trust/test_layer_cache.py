"""Layer caches with real BuildKit and a real registry: who hits what, and what happens when a cache is not there."""

from __future__ import annotations

import json

from tests.trust.conftest import TrustSpace, cached

FIRST, COPY, SECOND = "RUN echo one > /one", "COPY app.txt /", "RUN cat /app.txt > /two"


def test_a_pull_request_begins_with_mains_layers_and_goes_on_with_its_own(trust_space: TrustSpace) -> None:
    space = trust_space
    assert cached(space.run("main")) == {FIRST: False, COPY: False, SECOND: False}
    space.write({"app.txt": "changed by a pull request\n"})
    assert cached(space.run("pr/17")) == {FIRST: True, COPY: False, SECOND: False}, "first run: main's"
    assert cached(space.run("pr/17")) == {FIRST: True, COPY: True, SECOND: True}, "second run: its own"
    assert cached(space.run("pr/18")) == {FIRST: True, COPY: False, SECOND: False}, "another one's: never"
    assert cached(space.run("fork/19")) == {FIRST: True, COPY: False, SECOND: False}, "a fork reads main's"
    assert cached(space.run("main")) == {FIRST: True, COPY: False, SECOND: False}, "main never reads a pull request's"


def test_what_is_not_granted_is_never_written(trust_space: TrustSpace) -> None:
    space = trust_space
    space.run("fork/19")
    before = space.engine.registry.request("GET", "/v2/_catalog?n=1000")[2]
    prefix = (space.root / "policy.yaml").read_text().partition("cache: t")[2].partition("/")[0]
    assert f"t{prefix}/" not in before.decode()
    for run, asked in (("pr/17", "main"), ("pr/17", "pr/18"), ("pr/17", "release"), ("fork/19", "pr/19")):
        built = space.planner("build", "--cache-to", asked, **space.engine.environment, **environment(space, run))
        assert built.returncode == 1, asked
        assert f"refused: export to {asked}: a run of level" in built.stderr
    assert f"t{prefix}/" not in space.engine.registry.request("GET", "/v2/_catalog?n=1000")[2].decode()
    space.run("pr/17", "--cache-to", "pr/17")
    assert f"t{prefix}/cache/pr/17/app" in space.engine.registry.request("GET", "/v2/_catalog?n=1000")[2].decode()


def environment(space: TrustSpace, run: str) -> dict[str, str]:
    from tests.trust.runs import environment_of

    return environment_of(run, space.root.parent)


def test_a_push_that_is_not_granted_is_refused(trust_space: TrustSpace) -> None:
    space = trust_space
    address = space.engine.registry.address
    text = (space.root / "images.yaml").read_text()
    space.write({"images.yaml": f"{text}registry: {address}/images\n"})
    refused = space.planner("build", "--push", **space.engine.environment, **environment(space, "pr/17"))
    assert refused.returncode == 1
    assert f"refused: push to {address}/images: a run of level pr may push to {address}/pr/17 alone" in refused.stderr
    assert space.run("main", "--push")["app"]["outcome"] == "built"
    space.write({"images.yaml": f"{text}registry: {address}/pr/17\n"})
    assert space.run("pr/17", "--push")["app"]["outcome"] == "built"
    space.write(
        {
            "images.yaml": text.replace("app.Dockerfile", f"app.Dockerfile, tags: ['{address}/images/app']")
            + f"registry: {address}/pr/17\n"
        }
    )
    refused = space.planner("build", "--push", **space.engine.environment, **environment(space, "pr/17"))
    assert f"refused: push of {address}/images/app" in refused.stderr


def test_a_trusted_run_reuses_no_records_of_others(trust_space: TrustSpace) -> None:
    space = trust_space
    address = space.engine.registry.address
    text = (space.root / "images.yaml").read_text()
    space.write({"images.yaml": f"{text}registry: {address}/pr/17\n", "app.txt": "for records\n"})
    assert space.run("pr/17", "--push")["app"]["outcome"] == "built"
    assert space.run("pr/17", "--against", f"{address}/pr/17")["app"]["outcome"] == "reused", "control"
    for run in ("main", "pr/18", "fork/19"):
        refused = space.planner(
            "build",
            "--against",
            f"{address}/pr/17",
            f"--state={space.notes}/{run}",
            **{**space.engine.environment, **environment(space, run)},
        )
        assert refused.returncode == 1, run
        assert f"refused: --against {address}/pr/17: a run of level" in refused.stderr


def test_a_cache_that_cannot_be_read_or_written_is_a_warning(trust_space: TrustSpace) -> None:
    """Nothing is at the first import, and a closed port takes no export: both are told, neither fails the build."""
    space = trust_space
    built = space.run("main")
    assert "planner: warning: app: importing cache manifest from" in built[""]["error"]
    policy = (space.root / "policy.yaml").read_text().replace(space.engine.registry.address, "127.0.0.1:1")
    space.write({"policy.yaml": policy})
    built = space.run("main")
    assert built["app"]["outcome"] == "built"
    assert "exporting cache to registry" in built[""]["error"]
    assert "planner: warning: app: importing cache manifest from 127.0.0.1:1/" in built[""]["error"]


def test_a_step_that_fails_is_told_although_a_cache_was_not_there(trust_space: TrustSpace) -> None:
    space = trust_space
    space.write({"app.Dockerfile": "FROM ubuntu:22.04\nRUN exit 7\n"})
    built = space.run("main", status=1)
    assert "RUN exit 7" in built[""]["error"].partition("app: failed")[2]
    assert "app.Dockerfile:2" in built[""]["error"]


def test_a_plan_of_caches_says_why(trust_space: TrustSpace) -> None:
    from tests.cli.test_documents import check

    space = trust_space
    run = space.planner("cache", "plan", "--format", "json", **environment(space, "pr/17"))
    document = json.loads(run.stdout)
    check("cache-plan", document)
    (app,) = document["images"]
    assert [use["scope"] for use in app["imports"]] == ["pr/17", "main"]
    assert [use["scope"] for use in app["exports"]] == ["pr/17"]
    assert app["exports"][0]["words"].endswith("cache/pr/17/app:linux-amd64,mode=max,ignore-error=true")
    text = space.planner("cache", "plan", "--cache-to", "main", **environment(space, "pr/17")).stdout
    assert "refused export to main: a run of level pr writes pr/17 alone" in text
    assert "  export  " not in text
    local = space.planner("cache", "plan", GITHUB_ACTIONS="", CI="").stdout
    assert "local, level untrusted" in local
    assert "refused export: a run of level untrusted writes nothing" in local


def test_a_builder_serves_one_scope(trust_space: TrustSpace) -> None:
    """Attack 13. The note is what refuses: with the notes of another machine, the same build goes through."""
    space = trust_space
    notes = {"PLANNER_BUILDERS": str(space.notes / "one")}
    assert space.run("pr/17", **notes)["app"]["outcome"] == "built"
    assert space.run("pr/17", **notes)["app"]["outcome"] == "built", "the same scope again"
    shared_state = space.planner("build", **space.engine.environment, **environment(space, "main"))
    assert "the state folder" in shared_state.stderr
    assert "served scope pr/17 (level pr), so it does not serve main" in shared_state.stderr
    for run in ("pr/18", "main"):
        refused = space.planner(
            "build",
            "--state",
            f"{space.notes}/state-{run.replace('/', '-')}",
            "--builder",
            f"buildkit:{space.builders.addresses['pr']}",
            **{**space.engine.environment, **environment(space, run), **notes},
        )
        assert refused.returncode == 1
        assert "served scope pr/17 (level pr), so it does not serve" in refused.stderr
    pool = ",".join(f"buildkit:{space.builders.addresses[name]}" for name in ("main", "pr"))
    words = ("build", "--state", f"{space.notes}/state-pool", "--builder", pool)
    refused = space.planner(*words, **{**space.engine.environment, **environment(space, "main"), **notes})
    assert refused.returncode == 1, "each builder of a pool is looked at"
    assert f"buildkit:{space.builders.addresses['pr']} served scope pr/17" in refused.stderr
    unbound = space.run("main", builder="pr", fresh=False)
    assert all(cached(unbound).values()), "control: without the note main gets the layers that a pull request left"


def test_a_budget_is_made_of_what_was_built(trust_space: TrustSpace) -> None:
    from tests.cli.test_documents import check

    space = trust_space
    space.run("main")
    document = space.document("cache", "budget", "--pull-requests", "3")
    check("cache-budget", document)
    (app,) = document["images"]
    assert app["size"] > 0
    assert document["used"] == 3 * app["size"]
    assert "nothing of it is evicted" in space.planner("cache", "budget").stdout
