"""Tells what the lock knows of the configuration of an external image."""

from __future__ import annotations

from planner.model.graph import MACHINE
from planner.model.image import Span
from planner.model.lock import Lock
from planner.sources import lock_file
from planner.sources.dockerfile.instructions import parse_trigger
from planner.sources.dockerfile.steps import Config


def locked_config(lock: Lock, reference: str, platform: str) -> Config:
    """What an external image hands to its children; nothing that is known without an entry of the lock.

    Of the platform of the machine that builds only triggers are told, since a lock has them with each platform.
    """
    place = Span(file=lock_file.NAME, line=1)
    if platform == MACHINE:
        image = lock.images.get(reference)
        texts = [text for facts in image.platforms.values() for text in facts.onbuild] if image else []
        return Config(onbuild=tuple(parse_trigger(text, place) for text in dict.fromkeys(texts)))
    facts = lock.platform(reference, platform)
    if facts is None:
        return Config()
    return Config(
        env=dict(facts.env),
        workdir=facts.workdir,
        user=facts.user,
        shell=facts.shell,
        onbuild=tuple(parse_trigger(text, place) for text in facts.onbuild),
        known=True,
    )
