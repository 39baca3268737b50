"""What images.star declares, and what is said where it is wrong."""

from __future__ import annotations

import pytest

from planner.errors import DefinitionError
from planner.model.image import Kind, KindDefaults, Span
from planner.sources.load import load
from tests.memory import MemoryTree
from tests.sources.doors.starlark.reading import image, mistakes, read

TOOLS = {"tools/cuda.star": 'def cuda(version):\n    image(\n        name = "cu" + version,\n    )\n'}


def test_all_fields_of_an_image() -> None:
    one = image(
        """
image(
    name = "a", context = "c", dockerfile = "d/D", target = "t", args = {"N": 3, "T": True, "D": "$x"},
    contexts = {"f": "g", "i": "docker-image://alpine"}, tags = ["r.example/a:1"],
    platforms = ["linux/arm64", "linux/amd64"], labels = {"l": "${m}"}, secrets = ["id=s"], ssh = "default",
    network = "none", kind = "cuda", visibility = None,
)
"""
    )
    assert (one.context, one.dockerfile, one.target) == ("c", "c/d/D", "t")
    assert one.args == (("N", "3"), ("T", "true"), ("D", "$x"))
    assert one.contexts == (("f", "g"), ("i", "docker-image://alpine"))
    assert one.platforms == ("linux/amd64", "linux/arm64")
    assert (one.labels, one.secrets, one.ssh) == ((("l", "${m}"),), ("id=s",), ("default",))
    assert (one.tags, one.network, one.declared_kind) == (("r.example/a:1",), "none", Kind.CUDA)
    assert (one.span, one.stack, one.package) == (Span(file="images.star", line=2), (), "")


def test_an_image_of_a_macro_knows_the_calls_that_made_it() -> None:
    one = image('load("//tools:cuda.star", "cuda")\n\n[cuda(v) for v in ["12.4"]]\n', TOOLS)
    assert one.span == Span(file="images.star", line=3)
    assert one.stack == (Span(file="images.star", line=3), Span(file="tools/cuda.star", line=2))


def test_what_the_family_shares() -> None:
    family = read(
        """
kind("cuda", runner = "big", cache = "c", resources = {"disk": "20GB"})
image("a")
family(registry = "r.example/x/", keys = {"algorithm": "sha256"}, defaults = {"args": {"A": "$1"}, "target": "t"})
image_family(name = "b${v}", matrix = {"v": [1, "2.0"]}, args = {"A": "${v}"}, target = "u")
"""
    )
    assert (family.registry, family.algorithm) == ("r.example/x", "sha256")
    assert family.kind_defaults("cuda") == KindDefaults(runner="big", cache="c", resources=(("disk", "20GB"),))
    assert [(one.name, one.args, one.target) for one in family.images] == [
        ("a", (("A", "$1"),), "t"),
        ("b1", (("A", "1"),), "u"),
        ("b2.0", (("A", "2.0"),), "u"),
    ]


def test_choices_by_define_and_by_platform() -> None:
    text = """
image("a", args = {"M": select({"MODE=fast": "1", "//conditions:default": "0"}), "D": define("MODE", "none")},
      target = select({"linux/arm64": "arm", "linux/amd64": "amd"}), platforms = ["linux/arm64"])
"""
    assert image(text).args == (("M", "0"), ("D", "none"))
    assert image(text, MODE="fast").args == (("M", "1"), ("D", "fast"))
    assert image(text).target == "arm"
    both = text.replace('["linux/arm64"]', '["linux/arm64", "linux/amd64"]')
    assert "select chooses differently for linux/arm64 and linux/amd64" in mistakes(both)
    assert 'add "//conditions:default"' in mistakes('image("a", target = select({"A=1": "b"}))')


PACKAGES = {
    "libs/one/images.star": 'image("one", contexts = {"n": "docs", "t": ":two", "e": "//:ext"})\nimage("two")\n',
    "libs/none/README": "",
    "libs/three/images.star": 'image("three", context = "//x", dockerfile = "//y/D", visibility = ["//libs/..."])\n',
}


def test_packages_and_labels() -> None:
    family = read(
        'packages("libs/*")\nexternal(name = "ext", image = "alpine:3.20", digest = "sha256:' + "a" * 64 + '")\n',
        PACKAGES,
    )
    one, two, three = family.images
    assert one.contexts == (
        ("n", "libs/one/docs"),
        ("t", "target:two"),
        ("e", f"docker-image://alpine:3.20@sha256:{'a' * 64}"),
    )
    assert (one.label, one.context, one.dockerfile) == ("//libs/one:one", "libs/one", "libs/one/Dockerfile")
    assert (two.package, two.visibility) == ("libs/one", ())
    assert (three.context, three.dockerfile, three.visibility) == ("x", "y/D", ("//libs/three", "//libs/..."))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('packages("libs/two")', 'there is no "libs/two/images.star"'),
        ('packages("../x")', "is no folder"),
        ('packages("a", 3)', "takes names of folders"),
        ('image("one")\npackages("libs/one")', "the first is //:one, at images.star:1"),
    ],
)
def test_packages_that_are_none(text: str, said: str) -> None:
    assert said in mistakes(text, PACKAGES)


def test_a_label_of_what_is_not_visible_names_both_places() -> None:
    files = {"a/images.star": 'image("a", visibility = ["//visibility:private"])\n'}
    said = mistakes('packages("a")\n\nimage("b", contexts = {"x": "//a:a"})\n', files)
    assert said.startswith("images.star:3: //a:a (a/images.star:1) is not visible to //, of //:b")
    assert "it is visible to //a" in said


def test_a_from_of_what_is_not_visible_names_both_places() -> None:
    files = {
        "a/images.star": 'image("a", visibility = ["//c:__pkg__"])\n',
        "a/Dockerfile": "FROM scratch\n",
        "b/images.star": 'image("b")\n',
        "b/Dockerfile": "# b\nFROM r.example/a\n",
        "c/images.star": 'image("c")\n',
        "c/Dockerfile": "FROM r.example/a\n",
    }
    family = read('family(registry = "r.example")\npackages("a", "b", "c")\n', files)
    with pytest.raises(DefinitionError) as raised:
        load(family, MemoryTree(files))
    (one,) = raised.value.mistakes
    assert (one.file, one.line) == ("b/Dockerfile", 2)
    assert "//a:a (a/images.star:1) is not visible to //b" in one.what


def test_a_missing_dockerfile_of_a_macro_tells_its_calls() -> None:
    family = read('load("//tools:cuda.star", "cuda")\ncuda("1")\n', TOOLS)
    with pytest.raises(DefinitionError, match=r"called at images\.star:2 → tools/cuda\.star:2"):
        load(family, MemoryTree({}))


def test_mistakes_of_several_images_are_told_at_once() -> None:
    said = mistakes(
        """
image("a", tgas = ["x"], network = "hst", args = {"A": 3.10})
image("b", inherits = ["a"], kind = "cda", context = "../x", platforms = ["x/y/z/w"])
image(target = "x")
image("d", name = "e")
image("f", contexts = {"x": "//g:h"})
family(registri = "x")
load("//tools:cuda.star", "cuda")
kind("gpu")
external("q")
""".replace("load(", "#"),
        TOOLS,
    )
    for part in (
        'images.star:2: //:a: unknown argument "tgas"',
        'did you mean "tags"?',
        'images.star:2: //:a.network: "hst" is no network',
        'images.star:2: //:a.args.A: must be text, not "3.1"',
        "images.star:3: //:b: there is no inherits here",
        "images.star:3: //:b.kind",
        'images.star:3: //:b.context: "../x" leads out of the workspace',
        "images.star:4: image: needs a name",
        "images.star:5: image: takes named arguments",
        "images.star:6: //:f.contexts: nothing is named //g:h",
        'did you mean "registry"?',
        "images.star:9: kind: name is one of base, cuda, derived",
        "images.star:10: external: needs a name and an image",
    ):
        assert part in said


def test_a_mistake_in_a_macro_shows_its_calls() -> None:
    tools = {"tools/m.star": "def m(x):\n    image(x, nme = 1)\n"}
    said = mistakes('load("//tools:m.star", "m")\nm("a")\n', tools)
    assert said.splitlines() == [
        'images.star:2: //:a: unknown argument "nme"',
        '    m("a")',
        '  did you mean "name"?',
        "  at images.star:2, in <module>",
        "  at tools/m.star:2, in m",
    ]


LOADED = {
    "round.star": 'load(":about.star", "x")\n',
    "about.star": 'load(":round.star", "x")\n',
    "link.star": "->/etc/passwd",
    "loop.star": "->loop.star",
    "wrong.star": "x = (\n",
    "top.star": 'image("a")\nx = 1\n',
    "a/images.star": "x = 1\n",
    "fails.star": 'def x():\n    fail("no", 3)\n',
    "folder/link": "->..",
}


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("/etc/passwd", 'images.star:2:1: load: "/etc/passwd" is an absolute path'),
        ("//a:../b.star", 'images.star:2:1: load: "//a:../b.star" leads upwards'),
        ("//../a:b.star", "leads upwards"),
        ("b.star", 'load: "b.star" is no label'),
        ("@x//a:b.star", "is in another repository"),
        ("//a:b.txt", "names no .star file"),
        ("//a:b.star", 'images.star:2:1: there is no file "a/b.star"'),
        ("//folder/link:wrong.star", 'there is no file "folder/link/wrong.star"'),
        (":link.star", 'images.star:2:1: "link.star" is a symbolic link'),
        (":loop.star", 'images.star:2:1: "loop.star" is a symbolic link'),
        (":round.star", "about.star:1:1: load goes round in a cycle: round.star → about.star → round.star"),
        (":wrong.star", "wrong.star:1:1: Parse error"),
        (":top.star", "top.star:1: image is called while a file is loaded"),
        ("//a:images.star", '"a/images.star" is a package'),
        (":images.star", "goes round in a cycle: images.star → images.star"),
        (":fails.star", "fails.star:2:5: fail: no 3"),
    ],
)
def test_loads_that_are_refused(label: str, said: str) -> None:
    assert said in mistakes(f'\nload("{label}", "x")\nx()\n', LOADED)


def test_print_tells_its_place_and_no_escapes() -> None:
    said: list[str] = []
    read('def f():\n    print("a\\x1b[31m", 3)\nf()\n', said=said)
    assert said == ["images.star:2: a\\x1b[31m 3"]


def test_glob() -> None:
    files = dict.fromkeys(("d/a.txt", "d/e/b.txt", "d/e/c.md", "p/images.star", "p/x.txt", "y.txt"), "")

    def globbed(arguments: str) -> str:
        return dict(image(f'image("a", args = {{"F": ",".join(glob({arguments}))}})', files).args)["F"]

    assert globbed('["**/*.txt"]') == "d/a.txt,d/e/b.txt,y.txt"
    assert globbed('["d/*.txt"]') == "d/a.txt"
    assert globbed('["d/**"], exclude = ["**/*.md"]') == "d/a.txt,d/e/b.txt"
    assert globbed('["p/*"], allow_empty = True') == ""
    assert "images.star:1: glob: nothing matches q*" in mistakes('glob(["q*"])', files)
    assert "is no name that can be written" in mistakes('glob(["*"])', {"a\udcff": ""})
    for pattern in ("../x", "/etc/*", "a//b", "[a", ""):
        assert "images.star:1: glob: " in mistakes(f'glob(["{pattern}"])', {"a/b": ""})


def test_an_image_in_a_package_may_be_read_by_its_name_too() -> None:
    files = {"a/images.star": 'image("a")\n'}
    family = read('packages("a")\nimage("b", contexts = {"x": "target:a"})\n', files)
    assert next(one for one in family.images if one.name == "b").contexts == (("x", "target:a"),)
