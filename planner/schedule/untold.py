"""Tells which stages of a build start from an image whose triggers (ONBUILD) are not known, since no lock has it."""

from __future__ import annotations

from planner.model.graph import MACHINE, ExternalImage, Node
from planner.model.image import Pairs
from planner.model.lock import Lock
from planner.sources.dockerfile.syntax import Dockerfile, From


def untold_bases(node: Node, dockerfile: Dockerfile, lock: Lock) -> Pairs:
    """Such stages, as BuildKit calls them, with the reference that they start from.

    What takes the place of a stage hands its triggers to those that start from the stage, whichever these are.
    """
    stages = [item for item in dockerfile.instructions if isinstance(item, From)]
    names = [item.stage or f"stage-{number}" for number, item in enumerate(stages)]
    found: list[tuple[str, str]] = []
    for use in node.uses:
        if not isinstance(use.origin, ExternalImage) or _is_told(lock, use.origin.reference, use.platform, node):
            continue
        for name, item in zip(names, stages, strict=True):
            if item.image_span == use.span:
                found.append((name, use.origin.reference))
            elif item.span == use.span:
                found.extend((one, use.origin.reference) for one in names)
    return tuple(dict.fromkeys(found))


def _is_told(lock: Lock, reference: str, platform: str, node: Node) -> bool:
    if platform == MACHINE:
        image = lock.images.get(reference)
        return image is not None and any(facts.onbuild for facts in image.platforms.values())
    read = (platform,) if platform else node.image.platforms
    return all(lock.platform(reference, one) is not None for one in read)
