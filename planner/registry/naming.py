"""Lets the tags of an image name it again where they name another state of it, as after a revert. Builds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planner.model.build import Stored
from planner.registry.artefact import LATEST, record_tag
from planner.registry.client import HttpRegistry
from planner.registry.copying import copy, plan_copy
from planner.registry.together import Question, named


def astray(registry: HttpRegistry, wanted: Mapping[str, str]) -> frozenset[str]:
    """The references (HOST/PATH:TAG) that do not name the digest given for them, or of which that cannot be told."""

    questions = {reference: _question(reference) for reference in wanted}
    found = named(registry, questions.values())
    return frozenset(reference for reference, digest in wanted.items() if found[questions[reference]] != digest)


def _question(reference: str) -> Question:
    repository, _, tag = reference.rpartition(":")
    return repository, tag


def name_again(registry: HttpRegistry, image: Stored, key: str, references: Iterable[str]) -> None:
    """Let references name an image, which is copied to where it is not, and count it as published last.

    Raises RegistryError.
    """
    for reference in references:
        repository, tag = _question(reference)
        if repository != image.repository and registry.digest_of(repository, image.digest) != image.digest:
            copy(registry, plan_copy(registry, image.repository, image.digest, repository))
        registry.tag(repository, image.digest, tag)
    record = registry.digest_of(image.repository, record_tag(key))
    if record is not None:
        registry.tag(image.repository, record, LATEST)
