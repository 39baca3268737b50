"""`planner cache`: what each image imports and exports at this run's level, and which images fit GitHub's cache."""

from __future__ import annotations

import argparse
import json

from planner.cli import arguments as shared
from planner.cli.family import chosen, keys_now
from planner.cli.plan import state_of
from planner.cli.policy import policy_of
from planner.cli.sizes import cached_images
from planner.cli.trusting import Standing, caches, standing
from planner.explain.budget_text import budget_json, budget_text
from planner.explain.text import printable
from planner.policy.budget import forecast
from planner.policy.cache_refs import CacheUse, ImageCache
from planner.policy.policy import Backend
from planner.policy.scopes import MAIN

EXAMPLE = "planner cache plan"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("action", choices=("plan", "budget"), help="what builds import and export; what fits GitHub's")
    shared.policy(parser)
    parser.add_argument("--cache-to", default="", metavar="SCOPE", help="ask to write this scope [the level's own]")
    parser.add_argument(
        "--pull-requests",
        type=shared.whole(0, 1_000_000),
        default=5,
        metavar="N",
        help="open at once, for budget, each changing every layer [5]",
    )
    shared.state(parser)
    shared.formats(parser, "text", "json")
    shared.images(parser)


def run(options: argparse.Namespace) -> int:
    """Print the caches of the chosen images, or the forecast."""
    shared.refuse_foreign(options, arguments, options.action, {"cache-to": "plan", "pull-requests": "budget"})
    if options.action == "budget":
        return _budget(options)
    found = standing(options)
    graph = keys_now(options).made_by.loaded.graph
    images = list(caches(found, graph, chosen(options.images, graph), options.cache_to).values())
    print(_json(found, images) if options.format == "json" else _text(found, images))
    return 0


def _text(found: Standing, images: list[ImageCache]) -> str:
    judged = found.judged
    lines = [f"{found.provider}, level {judged.level}: {judged.why}", f"  {judged.run}"]
    for image in images:
        lines += ["", image.image]
        lines += [f"  import  {use.words}  ({use.scope}: {use.why})" for use in image.imports]
        lines += [f"  export  {use.words}  ({use.scope}: {use.why})" for use in image.exports]
        lines += [f"  refused {text}" for text in image.refused]
    return "\n".join(printable(line) for line in lines)


def _json(found: Standing, images: list[ImageCache]) -> str:
    document = {
        "version": 1,
        "provider": found.provider,
        "level": found.judged.level.value,
        "why": found.judged.why,
        "images": [
            {
                "name": image.image,
                "imports": [_use(use) for use in image.imports],
                "exports": [_use(use) for use in image.exports],
                "refused": list(image.refused),
            }
            for image in images
        ],
    }
    return json.dumps(document, indent=2)


def _use(use: CacheUse) -> dict[str, str]:
    return {"words": use.words, "scope": use.scope, "why": use.why}


def _budget(options: argparse.Namespace) -> int:
    policy = policy_of(options)
    graph = keys_now(options).made_by.loaded.graph
    names = chosen(options.images, graph)
    main = policy.scopes.get(MAIN)
    writers = options.pull_requests + (main is not None and main.backend is Backend.GITHUB)
    known = cached_images(state_of(options), [name for name in graph.order if name in names])
    made = forecast(known, policy.budget, writers)
    print(budget_json(made) if options.format == "json" else budget_text(made))
    return 0
