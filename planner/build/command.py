"""Turns a build request into the argument list of `buildx build`. Pure: paths and names in, a list of texts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.model.build import BuildRequest, Context, FilesContext, ImageContext, Store, UrlContext

ENGINE_REPOSITORY = "planner.local"
"""Where images stand in a Docker Engine's own store: a host that no registry answers to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paths:
    """Where a build finds what it reads, and where it leaves its answers. All absolute.

    `contexts` holds the folder of each materialised context, "" for the build context, else by the context's name.
    """

    dockerfile: str
    contexts: Mapping[str, str]
    metadata: str
    layout: str
    store: str


def build_arguments(
    request: BuildRequest, paths: Paths, store: Store, *, by_tag: bool = False, cache: Sequence[str] = ()
) -> list[str]:
    """The words after `buildx`, for a result that is kept in `store`.

    `cache` are those of the layer caches. With `by_tag` a push names the key's tag, for an engine that cannot push by
    digest alone.
    """
    words = ["build", "--progress=rawjson", f"--metadata-file={paths.metadata}", f"--file={paths.dockerfile}"]
    # Attestations hold the time of the build, so that a digest would never come out twice.
    words += ["--provenance=false", "--sbom=false"]
    if request.no_cache:
        words.append("--no-cache")
    words.append(f"--platform={','.join(request.platforms)}")
    if request.target:
        words.append(f"--target={request.target}")
    words += [f"--build-arg={name}={value}" for name, value in request.args]
    words += [f"--label={name}={value}" for name, value in request.labels]
    words += [f"--secret={_with_id(text)}" for text in request.secrets]
    words += [f"--ssh={text}" for text in request.ssh]
    if request.network:
        words.append(f"--network={request.network}")
    if request.network == "host":
        words.append("--allow=network.host")
    words += [f"--{name}={value}" for name, value in request.options]
    words += [f"--build-context={name}={_context(name, context, paths)}" for name, context in request.contexts]
    words += cache
    words.append(f"--output={_output(request, paths, store, by_tag=by_tag)}")
    return [*words, paths.contexts[""]]


def _with_id(secret: str) -> str:
    """A secret as buildx reads it; a bare name is its id."""
    return secret if "=" in secret else f"id={secret}"


def _context(name: str, context: Context, paths: Paths) -> str:
    match context:
        case FilesContext():
            return paths.contexts[name]
        case UrlContext(url=url):
            return url
        case ImageContext(image=image):
            if image.store is Store.REGISTRY:
                return f"docker-image://{image.repository}@{image.digest}"
            if image.store is Store.ENGINE:
                return f"docker-image://{image.repository}"
            return in_layout(paths.store, image.digest)


def in_layout(folder: str, digest: str) -> str:
    """An image of an OCI layout, as buildx reads it: what stands behind the last colon of a path is a tag for it."""
    return f"oci-layout://{folder}{':latest' if ':' in folder else ''}@{digest}"


def _output(request: BuildRequest, paths: Paths, store: Store, *, by_tag: bool) -> str:
    """The exporter. Files that are younger than the epoch get its time, where the exporter can: not a Docker Engine's,
    which unpacks what it exports (BuildKit refuses both at once).
    """
    rewrite = ",rewrite-timestamp=true" if dict(request.args).get("SOURCE_DATE_EPOCH") else ""
    if store is Store.REGISTRY and by_tag:
        names = csv_field("name", ",".join(f"{repository}:{request.key}" for repository in request.repositories))
        return f"type=image,{names},push=true"
    if store is Store.REGISTRY:
        names = csv_field("name", ",".join(request.repositories))
        return f"type=image,{names},push=true,push-by-digest=true,name-canonical=true{rewrite}"
    if store is Store.ENGINE:
        return f"type=image,name={engine_name(request)}"
    return f"type=oci,tar=false,{csv_field('dest', paths.layout)}{rewrite}"


def csv_field(name: str, value: str) -> str:
    """One field of buildx's comma-separated lists, quoted as in CSV where it must be."""
    field = f"{name}={value}"
    return '"' + field.replace('"', '""') + '"' if "," in field or '"' in field else field


def engine_name(request: BuildRequest) -> str:
    """The name of an image in a Docker Engine's own store: one tag for each key, so that none is overwritten."""
    return f"{ENGINE_REPOSITORY}/{request.image.lower()}:{request.key}"
