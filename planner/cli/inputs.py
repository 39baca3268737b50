"""`planner inputs`: the manifest of one image, every input with its digest and where it enters."""

from __future__ import annotations

import argparse

from planner.cli import arguments as shared
from planner.cli.asides import palette
from planner.cli.family import chosen, keys_now
from planner.digest.inputs import Manifest
from planner.digest.key import Keys
from planner.errors import PlannerError, UsageError
from planner.explain import text
from planner.model.image import ImageName
from planner.model.names import Platform
from planner.plan.baseline import placed

EXAMPLE = "planner inputs base"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--platform", default="", help="one of the image's platforms [its first]")
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Print the manifest of one image on one platform."""
    found = keys_now(argparse.Namespace(**vars(options), images=[options.image]))
    matched = chosen([options.image], found.made_by.loaded.graph)
    if len(matched) > 1:
        raise PlannerError(f"{options.image}: name one image, this matches {', '.join(sorted(matched))}")
    name = next(iter(matched))
    manifest = _manifest(found, name, options.platform)
    listing = placed(found, manifest)
    files = {index: listing(item) for index, item in enumerate(manifest.inputs) if item.selection is not None}
    if options.format == "json":
        print(text.manifest_json(manifest, files, found.keys[name]))
    else:
        print(text.manifest_text(manifest, files, palette()))
    return 0


def _manifest(found: Keys, name: ImageName, platform: str) -> Manifest:
    manifests = found.manifests[name]
    if not platform:
        return manifests[0]
    known = {manifest.platform: manifest for manifest in manifests}
    try:
        asked = str(Platform.parse(platform))
    except ValueError as error:
        raise UsageError(f"--platform: {error}") from error
    if asked not in known:
        raise PlannerError(f"{name} is not built for {platform}: it is for {', '.join(known)}")
    return known[asked]
