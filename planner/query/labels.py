"""Turns a word of a query into the targets that it names, as Bazel's target patterns do, or says what was meant."""

from __future__ import annotations

from planner.errors import one_of
from planner.model.names import Reference
from planner.query.targets import Target, Targets, Type, World, image

RULES = ("all", "*", "all-targets")
LONGEST = 200


class UnknownLabel(Exception):
    """A word that names nothing; `hint` says what to write."""

    def __init__(self, what: str, hint: str) -> None:
        self.what = what
        self.hint = hint
        super().__init__(what)


def resolve(word: str, world: World) -> Targets:
    """The targets of a label or pattern. Raises UnknownLabel.

    `NAME`, `:NAME`, `//:NAME` and `//PACKAGE:NAME` are an image; `//...`, `...`, `//:all` and `//:*` are all images,
    `//PACKAGE:all` those of a package, `//PACKAGE/...` those of the packages below too. An external is named by its
    reference, in any form that Docker takes; a file that an image reads by its path.
    """
    package, name = _split(word)
    if package and (inside := _packaged(package, name, world)):
        return inside
    target = Target(Type.IMAGE, name)
    if not package and target in world.parents:
        return frozenset([target])
    if not package and name in RULES:
        return frozenset(world.images)
    if package == "..." and name in ("", *RULES):
        return frozenset(world.images)
    found = _external(word, world) or (_file(name, world) if not package else frozenset())
    if found:
        return found
    raise _unknown(word, package, name, world)


def _packaged(package: str, name: str, world: World) -> Targets:
    """The images that a word with a package names."""
    packages = {image(one): node.image.package for one, node in world.graph.nodes.items()}
    above = package.removesuffix("...").rstrip("/")
    if package != above and name in ("", *RULES):
        return frozenset(one for one, its in packages.items() if f"{its}/".startswith(f"{above}/"))
    wanted = name or package.rpartition("/")[2]
    return frozenset(one for one, its in packages.items() if its == package and (name in RULES or one.name == wanted))


def _split(word: str) -> tuple[str, str]:
    """Package and name: `//a:b` is ("a", "b"), `//a/...` is ("a/...", ""), a bare name has the package ""."""
    if word.startswith("//"):
        package, colon, name = word[2:].partition(":")
        return (package, name) if colon or package.endswith("...") else (package, "")
    if word == "..." or word.startswith("...:"):
        return "...", word.partition(":")[2]
    return "", word.removeprefix(":")


def _external(word: str, world: World) -> Targets:
    try:
        reference = str(Reference.parse(word))
    except ValueError:
        return frozenset()
    target = Target(Type.EXTERNAL, reference)
    return frozenset([target]) & world.all_externals


def _file(path: str, world: World) -> Targets:
    return frozenset([Target(Type.FILE, path)]) & world.all_files


def _unknown(word: str, package: str, name: str, world: World) -> UnknownLabel:
    names = [target.name for target in world.images]
    asked = name or package.rpartition("/")[2]
    if package and asked in names:
        return UnknownLabel(f'there is no package "//{package}" with it', f"write //:{asked}")
    near = one_of(asked[:LONGEST], names)
    if not near:
        few = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        near = f"there are {few}" if names else "the family has no images"
    elif not word.startswith("//"):
        return UnknownLabel(f'nothing is named "{word}"', near)
    return UnknownLabel(f'nothing is named "{word}"', near.replace('mean "', 'mean "//:'))
