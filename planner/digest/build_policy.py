"""Finds the build policy of an image: a file beside its Dockerfile, named like it with `.rego` behind, which buildx
holds the sources of a build to (buildx v0.36.1, `loadInputs` in build/opt.go).
"""

from __future__ import annotations

from planner.errors import DefinitionError, Mistake
from planner.model.image import Image
from planner.ports import Tree
from planner.sources.dockerfile_places import place_of, places_of

SUFFIX = ".rego"
MAX_POLICY = 1 << 20
_ELSEWHERE = b"cwd"
"""How a policy names a file where buildx is started (`cwd://`); all others it finds in the context alone."""


def policy_path(image: Image, tree: Tree) -> str:
    """Where an image's policy stands if it has one, "" where it cannot have one: its Dockerfile stands in no file."""
    if image.inline:
        return ""
    path = image.dockerfile
    folder, _, name = path.rpartition("/")
    if name == "Dockerfile" and tree.entry(path) is None:
        path = f"{folder}/dockerfile" if folder else "dockerfile"
    return f"{path}{SUFFIX}"


def policy_place(image: Image, tree: Tree) -> str:
    """The file of an image's policy, links inside the workspace followed; "" where there is none.

    Raises DefinitionError for what is there and is no file: a build would not be held to anything.
    """
    path = policy_path(image, tree)
    if not path or tree.entry(path) is None:
        return ""
    place = place_of(tree, path)
    if place is None:
        what = f"{path}: the build policy leads to no file in the workspace"
        hint = "copy the policy beside the Dockerfile, or remove it"
        raise DefinitionError([Mistake(file=path, line=1, what=what, hint=hint)])
    return place


def reads_elsewhere(tree: Tree, place: str) -> bool:
    """Whether a policy may read files that are in no context, and so may decide otherwise unseen."""
    return _ELSEWHERE in tree.read(place, MAX_POLICY)


def policy_places(image: Image, tree: Tree) -> tuple[str, ...]:
    """Every place where an edit may give an image a policy or change it: both names, and what links lead to."""
    if image.inline:
        return ()
    folder, _, name = image.dockerfile.rpartition("/")
    names = {image.dockerfile}
    if name == "Dockerfile":
        names.add(f"{folder}/dockerfile" if folder else "dockerfile")
    return tuple(place for path in sorted(names) for place in places_of(tree, f"{path}{SUFFIX}"))
