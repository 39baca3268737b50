"""What a graph file takes of the machine beside its workspace is had only where whoever builds allows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.build.entitlements import Allowed, allowed_by, granted, refuse_unallowed, wishes_of
from planner.errors import BuilderError, PlannerError, UsageError
from planner.model.build import BuildRequest, FilesContext, UrlContext
from planner.model.image import Image, ImageName, Span
from tests.build.family import Family

APP = ImageName("app")
DIGEST = f"@sha256:{'1' * 64}"
READS_KEY = "RUN --mount=type=secret,id=k cat /run/secrets/k > /got\n"


def image(**fields: object) -> Image:
    return Image(name=APP, span=Span(file="images.yaml", line=1), **fields)  # type: ignore[arg-type]


def request(**fields: object) -> BuildRequest:
    return BuildRequest(
        image=APP,
        platforms=("linux/amd64",),
        key="x3-1",
        dockerfile=b"",
        dockerfile_path="Dockerfile",
        context=FilesContext(),
        **fields,  # type: ignore[arg-type]
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a file, and links that lead out of it to a key and to a folder."""
    outside, inside = tmp_path / "outside", tmp_path / "family"
    (inside / "keys").mkdir(parents=True)
    outside.mkdir()
    for file in (outside / "key", inside / "keys/own"):
        file.write_text("k")
    (inside / "link").symlink_to(outside / "key")
    (inside / "away").symlink_to(outside)
    return inside


def asked(workspace: Path, *urls: str, **fields: object) -> list[str]:
    return [one.word for one in wishes_of(image(**fields), urls, workspace, {"TOKEN": "t"})]


@pytest.mark.parametrize(
    "secret",
    [
        "k,src=keys/own",
        "k,source=./keys/../keys/own",
        "k,env=ANY",
        "k,type=env,src=ANY",
        "TOKEN",
        "keys/own",
        "k,SRC=x",
    ],
)
def test_what_is_in_the_workspace_and_variables_are_free(workspace: Path, secret: str) -> None:
    assert asked(workspace, secrets=(f"id={secret}",)) == []


@pytest.mark.parametrize(
    "secret",
    [
        "id=k,src=OUT/key",
        "OUT/key",
        "../outside/key",
        "id=k,src=link",
        "id=k,src=away/key",
        'id=k,"src=../outside/key"',
        "id=k,src=keys/../../outside/key",
        "ID=k,Source=OUT/key,env=ANY",
        "id=../outside/key",
    ],
)
def test_a_secret_outside_of_the_workspace(workspace: Path, secret: str) -> None:
    outside = workspace.parent / "outside"
    assert asked(workspace, secrets=(secret.replace("OUT", str(outside)),)) == [f"fs.read={outside}/key"]


def test_the_folder_of_git_is_no_part_of_the_workspace(workspace: Path) -> None:
    """A clone keeps logins there: in the addresses of remotes, or as actions/checkout writes them."""
    config = workspace / ".git/config"
    assert asked(workspace, secrets=("id=k,src=.git/config",), ssh=("a=.gitkeys",)) == [f"fs.read={config}"]


def test_agents_and_keys(workspace: Path) -> None:
    outside = workspace.parent / "outside"
    assert asked(workspace, ssh=("default",)) == asked(workspace, ssh=("default=", "b=keys/own,")) == ["ssh"]
    assert asked(workspace, ssh=("default=keys/own",)) == []
    assert asked(workspace, ssh=("default=keys/own,link",)) == [f"fs.read={outside}/key"]


def test_the_network_devices_and_privileges(workspace: Path) -> None:
    rights = (("allow", "security.insecure"), ("allow", "device=a.b/c=d,required"), ("allow", "network.host"))
    found = asked(workspace, network="host", options=(*rights, ("add-host", "a:1.2.3.4")))
    assert found == ["security.insecure", "device=a.b/c=d", "network.host"]
    assert asked(workspace, network="none") == []


def test_layouts_of_images(workspace: Path) -> None:
    outside = workspace.parent / "outside"
    assert asked(workspace, f"oci-layout://keys{DIGEST}", "docker-image://a", "https://a/b.git", "git@a:b.git") == []
    assert asked(workspace, f"oci-layout://{outside}:latest{DIGEST}") == [f"fs.read={outside}"]
    assert asked(workspace, "oci-layout://away") == [f"fs.read={outside}"]
    for wrong in (f"oci-layout://keys:/..{DIGEST}", "oci-layout://keys@x/../../outside"):
        with pytest.raises(BuilderError, match="write oci-layout://PATH@sha256"):
            asked(workspace, wrong)


@pytest.mark.parametrize(
    "url", ["foo://../../outside", "HTTPS://../../outside", "git://%zz/../../../outside", "a@b:/../.."]
)
def test_an_address_that_buildx_takes_for_a_folder(workspace: Path, url: str) -> None:
    assert asked(workspace, url) == []
    (workspace / url.partition("/..")[0]).mkdir(parents=True)
    with pytest.raises(BuilderError, match="is an address, and there is a file of that name"):
        asked(workspace, url)


def test_what_is_built_reads_the_places_that_were_looked_at(workspace: Path) -> None:
    outside = workspace.parent / "outside"
    wanted = request(
        secrets=("id=a,src=link", "TOKEN", 'id=b,"src=keys/x,y"'),
        ssh=("default=away/key", "b"),
        contexts=(("c", UrlContext(url=f"oci-layout://away:1{DIGEST}")),),
    )
    given = granted(wanted, allowed_by([f"fs.read={outside}", "ssh"], {}), workspace, {"TOKEN": "t"})
    assert given.secrets == (f"id=a,src={outside}/key", "id=TOKEN,env=TOKEN", f'id=b,"src={workspace}/keys/x,y"')
    assert given.ssh == (f"default={outside}/key", "b")
    assert given.contexts == (("c", UrlContext(url=f"oci-layout://{outside}:1{DIGEST}")),)
    with pytest.raises(BuilderError, match="nobody allowed"):
        granted(wanted, Allowed(), workspace, {})


@pytest.mark.parametrize("secret", ["id=a\nb,src=keys/own", "k\0", 'id=k,"src=own', "id=k,size=3"])
def test_what_buildx_could_read_otherwise_is_refused(workspace: Path, secret: str) -> None:
    with pytest.raises(PlannerError):
        asked(workspace, secrets=(secret,))


@pytest.mark.parametrize("key", ["two\nlines", "a\0b", "a,b"])
def test_a_path_that_cannot_be_told(workspace: Path, key: str) -> None:
    (workspace / "lines").symlink_to(f"{workspace}/{key}".replace("\0", "\n"))
    for path in ("lines", key.replace(",", "\n")):
        with pytest.raises(BuilderError, match="cannot be given to a build"):
            asked(workspace, ssh=(f"default={path}",))


def test_everything_that_is_missing_is_told_at_once(workspace: Path) -> None:
    outside = workspace.parent / "outside"
    wishes = {
        APP: wishes_of(image(secrets=("id=k,src=link",), network="host"), (), workspace, {}),
        ImageName("other"): wishes_of(image(ssh=("default",)), (), workspace, {}),
    }
    with pytest.raises(BuilderError) as error:
        refuse_unallowed(wishes, Allowed())
    assert str(error.value).splitlines() == [
        "refused: nobody allowed what these images take of this machine",
        f"  app: reads {outside}/key (secret k)",
        "  app: runs in the host's network",
        "  other: uses the ssh agent",
        "  where you trust what their Dockerfiles run, allow it: "
        f"--allow fs.read={outside}/key --allow network.host --allow ssh",
    ]
    with pytest.raises(BuilderError) as error:
        refuse_unallowed(wishes, allowed_by(["network.host"], {"PLANNER_ALLOW": f"ssh, fs.read={workspace}"}))
    assert str(error.value).endswith(f"allow it: --allow fs.read={outside}/key")
    for words in (["ssh", f"fs.read={outside}"], ["ssh", "fs.read=*"]):
        refuse_unallowed(wishes, allowed_by([*words, "network.host"], {}))
        with pytest.raises(BuilderError):
            refuse_unallowed(wishes, allowed_by([*words, "device", "security.insecure"], {}))


def test_devices_one_by_one_or_all(workspace: Path) -> None:
    wishes = {APP: wishes_of(image(options=(("allow", "device=a"),)), (), workspace, {})}
    for words in (["device"], ["device=a"]):
        refuse_unallowed(wishes, allowed_by(words, {}))
    with pytest.raises(BuilderError, match="--allow device=a"):
        refuse_unallowed(wishes, allowed_by(["device=b"], {}))


@pytest.mark.parametrize("word", ["fs.write=x", "ssh=x", "network", "fs.read", "fs.read=", "env=X"])
def test_words_that_allow_nothing(word: str) -> None:
    for words, environment in (([word], {}), ([], {"PLANNER_ALLOW": f"ssh,{word}"})):
        with pytest.raises(UsageError, match=f'^{"--allow" if words else "PLANNER_ALLOW"} "{word}": is nothing that'):
            allowed_by(words, environment)


def test_a_build_has_them_only_where_they_are_allowed(family: Family, tmp_path: Path) -> None:
    space = family(
        images__yaml="""\
version: 1
images:
  app: {context: app, secrets: ["id=k,src=../outside/key"]}
  net: {context: net, network: host}
  plain: {context: plain}
""",
        **{
            "app/Dockerfile": f"FROM ubuntu:22.04\n{READS_KEY}",
            "net/Dockerfile": "FROM ubuntu:22.04\nRUN true\n",
            "plain/Dockerfile": "FROM ubuntu:22.04\nRUN true\n",
        },
    )
    key = tmp_path / "outside/key"
    key.parent.mkdir()
    key.write_text("kept")
    said = space.planner("build", **space.engine.environment)
    assert said.returncode == 1
    assert f"--allow fs.read={key} --allow network.host" in said.stderr
    assert "was never built" in space.planner("plan").stdout, "nothing was begun"
    assert space.outcomes("-k", status=1) == {"app": "failed", "net": "failed", "plain": "built"}
    assert space.planner("build", "--dry-run").returncode == 0
    allowed = {"PLANNER_ALLOW": f"fs.read={key.parent}"}
    done = space.build("--allow", "network.host", **allowed)
    assert "got" in space.image(done["app"]["digest"]).files


def test_a_private_key_of_the_run_is_in_no_build(family: Family) -> None:
    """As a secret and as an argument: a graph file may name every other variable."""
    space = family(
        images__yaml="""\
version: 1
variables: {PLANNER_SIGNING_KEY: none}
images:
  app: {context: app, args: {A: "${PLANNER_SIGNING_KEY}"}, secrets: ["id=k,env=PLANNER_SIGNING_KEY"]}
""",
        **{"app/Dockerfile": f"FROM ubuntu:22.04\nARG A\nENV A=$A\n{READS_KEY}RUN ! test -s /got\n"},
    )
    built = space.build(PLANNER_SIGNING_KEY="private")
    assert "A=none" in space.image(built["app"]["digest"]).config["config"]["Env"]
