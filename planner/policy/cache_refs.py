"""Turns a run and a policy into the layer caches that each image imports and exports, in buildx's own words.

One place for each image, platform and scope, since no place can be written to twice. Nothing is exported that the
run's level does not grant, whatever was asked for; what was refused is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.policy.levels import TRUSTING, Judged, Level
from planner.policy.policy import NUMBER, Backend, Policy, ScopeRule, filled
from planner.policy.scopes import PR, Scope, github_write_of, reads_of, write_of

BEST_EFFORT = "mode=max,ignore-error=true"
"""Every layer of every stage; a cache that cannot be written never fails a build."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheUse:
    """One cache that is imported or exported: buildx's words, its scope, and why."""

    words: str
    scope: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageCache:
    """The caches of one image: imports in the order of scopes, at most one export, and what was refused."""

    image: str
    imports: tuple[CacheUse, ...]
    exports: tuple[CacheUse, ...]
    refused: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The same as arguments of `buildx build`."""
        imports = (f"--cache-from={use.words}" for use in self.imports)
        return (*imports, *(f"--cache-to={use.words}" for use in self.exports))


def cache_of(policy: Policy, judged: Judged, image: str, platforms: tuple[str, ...], *, asked: str = "") -> ImageCache:
    """What one image imports and exports. `asked` is a scope that a flag asks to write, "" for the run's own."""
    refused: list[str] = []
    imports: list[CacheUse] = []
    written = _written(policy, judged)
    readable = reads_of(judged.run)
    # What GitHub keeps for a fork's pull request is the fork's own, so it may be read again.
    kept = (written,) if written is not None and written not in readable else ()
    for scope in (*kept, *readable):
        rule = policy.scopes.get(scope.kind)
        if rule is None or (judged.level not in rule.read and scope not in kept):
            refused.append(f"import from {scope}: the policy lets no run of level {judged.level} read it")
            continue
        # GitHub's cache answers with a pull request's own entries and with its base branch's at once.
        use = CacheUse(words=_words(policy, rule, scope, image, platforms, "from"), scope=str(scope), why=_why(scope))
        if use.words not in (one.words for one in imports):
            imports.append(use)
    exports: list[CacheUse] = []
    if asked and (written is None or asked not in (str(written), written.kind)):
        grant = f"writes {written} alone" if written else "writes nothing"
        refused.append(f"export to {asked}: a run of level {judged.level} {grant} ({judged.why})")
    elif written is None:
        refused.append(f"export: a run of level {judged.level} writes nothing ({judged.why})")
    else:
        rule = policy.scopes[written.kind]
        words = f"{_words(policy, rule, written, image, platforms, 'to')},{BEST_EFFORT}"
        why = f"the one scope that a run of level {judged.level} writes"
        if judged.level is Level.UNTRUSTED:
            why = "GitHub itself keeps what this pull request writes to this pull request"
        exports.append(CacheUse(words=words, scope=str(written), why=why))
    return ImageCache(image=image, imports=tuple(imports), exports=tuple(exports), refused=tuple(refused))


def _written(policy: Policy, judged: Judged) -> Scope | None:
    """The scope that is written: of the run's level where the policy says so too, or in GitHub's cache of its ref."""
    scope = write_of(judged.run)
    if scope is not None:
        rule = policy.scopes.get(scope.kind)
        return scope if rule is not None and judged.level in rule.write else None
    github = github_write_of(judged.run)
    if github is not None:
        rule = policy.scopes.get(github.kind)
        return github if rule is not None and rule.backend is Backend.GITHUB else None
    return None


def _why(scope: Scope) -> str:
    return "earlier runs of this pull request" if scope.kind == PR else f"what {scope} built last"


def _words(
    policy: Policy, rule: ScopeRule, scope: Scope, image: str, platforms: tuple[str, ...], direction: str
) -> str:
    platform = "_".join(platform.replace("/", "-") for platform in platforms)
    path = filled(rule.cache, scope)
    more = "".join(f",{name}={value}" for name, value in rule.attributes if name not in ("src", "dest"))
    match rule.backend:
        case Backend.REGISTRY:
            words = f"type=registry,ref={policy.registries[rule.registry].address}/{path}/{image}:{platform}"
        case Backend.GITHUB:
            words = f"type=gha,scope={image}-{platform}"
        case Backend.LOCAL:
            folder = dict(rule.attributes).get("src", ".planner/cache")
            words = f"type=local,{'src' if direction == 'from' else 'dest'}={folder}/{path}/{image}/{platform}"
        case Backend.S3:
            words = f"type=s3,name={path}/{image}/{platform}"
    if any(letter in words + more for letter in '"\n\r'):
        raise ValueError(f"{image}: a cache has no place with a quote or a line break in its name")
    return words + more


def pushed_to(policy: Policy, judged: Judged) -> str:
    """Where a run may push images to (HOST/PATH), "" for nowhere."""
    scope = write_of(judged.run)
    rule = policy.scopes.get(scope.kind) if scope is not None else None
    if scope is None or rule is None or judged.level not in rule.write:
        return ""
    return f"{policy.registries[rule.registry].address}/{filled(rule.images, scope)}"


def read_from(policy: Policy, judged: Judged) -> tuple[str, ...]:
    """Where a run may take published images and records from (HOST/PATH), in the order of its scopes."""
    found = ((scope, policy.scopes.get(scope.kind)) for scope in reads_of(judged.run))
    return tuple(
        f"{policy.registries[rule.registry].address}/{filled(rule.images, scope)}"
        for scope, rule in found
        if rule is not None and judged.level in rule.read
    )


def scope_at(policy: Policy, prefix: str) -> Scope | None:
    """The scope whose images are below a prefix (HOST/PATH); None where that is no scope's."""
    for rule in policy.scopes.values():
        found = re.fullmatch(_pattern(policy, rule), prefix, re.ASCII)
        if found is not None:
            return Scope(kind=rule.kind, number=int(found[1]) if rule.kind == PR else 0)
    return None


def _pattern(policy: Policy, rule: ScopeRule) -> str:
    place = f"{policy.registries[rule.registry].address}/{rule.images}"
    return re.escape(place).replace(re.escape(NUMBER), "([1-9][0-9]{0,9})")


def weak_keys(policy: Policy, algorithm: str) -> str:
    """Why keys of this algorithm are refused, "" where they are not: others write, and could make keys collide."""
    writers = [
        rule.kind
        for rule in policy.scopes.values()
        if not set(rule.write) <= set(TRUSTING) or rule.backend is Backend.GITHUB
    ]
    if not writers or algorithm == "sha256":
        return ""
    return (
        f"keys are made with {algorithm}, which is not collision resistant, and runs that are not trusted write "
        f"{', '.join(writers)}: give the graph file keys: {{algorithm: sha256}}"
    )
