"""Turns an image, its steps and a tree into the list of its inputs, the one place where it is told what counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planner.digest.build_policy import policy_place, reads_elsewhere
from planner.digest.context_tree import ContextTree
from planner.digest.contexts import absent, given
from planner.digest.files import find
from planner.digest.hashing import Hasher
from planner.digest.ignore_file import context_root, ignore_file
from planner.digest.inputs import MISSING, POLICY, REMOTE, Input, InputKind, Manifest, is_policy
from planner.digest.listing import selected
from planner.digest.trace import Traced
from planner.errors import DefinitionError, Mistake
from planner.model.frozen import dataclass, field, replace
from planner.model.graph import MACHINE, ExternalImage, Node, ParentImage, RemoteFiles
from planner.model.image import EPOCH, YEAR_2000, Image, ImageName, Span, seconds_of
from planner.model.names import familiar
from planner.model.selection import Selection
from planner.ports import MODE_FOLDER, Tree
from planner.sources.go_match import BadPattern
from planner.sources.ignore_rules import MAX_BYTES, IgnoreRules
from planner.sources.loaded import LoadedFamily

SPECIAL_ARGS = ("BUILDKIT_", "SOURCE_DATE_EPOCH")


@dataclass(frozen=True, kw_only=True)
class Manifests:
    """Makes manifests of one loaded family from one tree; contexts are walked once however many images share them."""

    loaded: LoadedFamily
    tree: Tree
    hasher: Hasher
    contexts: dict[tuple[str, str], ContextTree] = field(default_factory=dict)
    frontends: dict[str, str] = field(default_factory=dict)
    traced: Traced = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "traced", Traced(self.tree))

    def make(self, image: Image, platform: str, parent_keys: Mapping[ImageName, str]) -> Manifest:
        """The manifest of one image. `parent_keys` holds a key for each of its parents."""
        warnings: list[str] = []
        inputs = [
            *self._settings(image, platform),
            *self._steps(image, platform, warnings),
            *self._images(image, platform, parent_keys, warnings),
        ]
        inputs.extend(self._named_like_stages(image))
        inputs.extend(self._policy(image))
        inputs.extend(self._absent(image, inputs, warnings))
        return Manifest(image=image.name, platform=platform, inputs=tuple(inputs), warnings=tuple(warnings))

    def _input(
        self, kind: InputKind, name: str, parts: tuple[tuple[str, str], ...], where: Span | None = None
    ) -> Input:
        return Input(kind=kind, name=name, digest=self.hasher.pairs(parts), parts=parts, where=where)

    def _settings(self, image: Image, platform: str) -> Iterator[Input]:
        yield self._input(InputKind.PLATFORM, platform, (("platform", platform),))
        from planner.sources.frontends import frontend_of  # no frontend is looked for where manifests were kept

        directives = self.loaded.dockerfiles[image.dockerfile].directives
        frontend = frontend_of(image, directives)
        if frontend:
            parts = (("syntax", frontend), *self._frontend(frontend))
            yield self._input(InputKind.FRONTEND, frontend, parts, directives.syntax_span)
            if len(parts) == 1 and self._built_here(frontend) not in ("", image.name):
                reason = f"the frontend {frontend} is an image of this graph: builds read what is published of it"
                where = directives.syntax_span or image.span
                yield self._input(InputKind.UNSURE, reason, (("frontend", frontend),), where)
        for name, written in sorted(dict(image.args).items()):
            value = (seconds_of(written) or written) if name == EPOCH else written
            if name.startswith(SPECIAL_ARGS) and (name, value) != (EPOCH, YEAR_2000):  # It has that value anyway.
                yield self._input(InputKind.ARGUMENT, name, ((f"ARG {name}", value),), image.span)
        for name, value in sorted(image.options, key=_subject):
            yield self._input(InputKind.ARGUMENT, f"--{name}", ((f"--{name}", value),), image.span)
        for name, value in sorted(image.labels):
            yield self._input(InputKind.LABEL, name, ((f"LABEL {name}", value),), image.span)

    def _steps(self, image: Image, platform: str, warnings: list[str]) -> Iterator[Input]:
        reached: set[Span] = set()
        for step in self.loaded.evaluations[image.name, platform].steps:
            reached.add(step.span)
            yield self._input(InputKind.INSTRUCTION, step.text, step.parts, step.span)
            for selection in step.selections:
                yield from self._files(image, step.text.partition("\n")[0], step.span, selection, warnings)
            for reason in step.unsure:
                yield self._input(InputKind.UNSURE, reason, (("unsure", reason),), step.span)
            for source in step.remotes:
                yield self._remote(source, step.span)
        for span, reason in self.loaded.evaluations[image.name, platform].refused:
            yield self._input(InputKind.UNSURE, reason, (("unsure", reason),), span)
        # BuildKit parses the stages that are not built too, and may refuse them.
        for span, flag in self.loaded.dockerfiles[image.dockerfile].unknown_flags():
            if span not in reached:
                reason = f"unknown flag --{flag}"
                yield self._input(InputKind.UNSURE, reason, (("unsure", reason),), span)

    def _remote(self, source: str, span: Span) -> Input:
        """What an ADD fetches: by what is locked of it, else nobody knows what it will be."""
        locked = self.loaded.family.lock.sources.get(source)
        if locked is not None:
            return self._input(InputKind.EXTERNAL, source, (("source", source), ("digest", locked)), span)
        reason = f"ADD {source} has no --checksum: what it fetches may change unseen"
        return self._input(InputKind.UNSURE, reason, ((REMOTE, source),), span)

    def _built_here(self, frontend: str) -> str:
        from planner.sources.frontends import built_here

        if frontend not in self.frontends:
            self.frontends[frontend] = built_here(frontend, self.loaded.family)
        return self.frontends[frontend]

    def _frontend(self, frontend: str) -> tuple[tuple[str, str], ...]:
        from planner.sources.frontends import reference_of

        digest = self.loaded.family.lock.frontends.get(reference_of(frontend))
        return () if digest is None else (("digest", digest),)

    def remade(self, image: Image, manifest: Manifest) -> Manifest:
        """A manifest that the same steps gave over another tree, over this one: only files are looked at."""
        warnings: list[str] = []
        inputs: list[Input] = []
        for item in manifest.inputs:
            if item.selection is not None and item.where is not None:
                inputs.extend(self._files(image, item.name, item.where, item.selection, warnings))
            elif not is_policy(item) and (
                item.kind is not InputKind.UNSURE or item.parts[0][0] not in (MISSING, POLICY)
            ):
                inputs.append(item)
            if item.kind is InputKind.EXTERNAL and item.parts[0][0] == "reference":
                self._external(self.loaded.graph.nodes[image.name], item.name, manifest.platform, warnings)
        inputs.extend(self._policy(image))
        inputs.extend(self._absent(image, inputs, warnings))
        return replace(manifest, inputs=tuple(inputs), warnings=tuple(warnings))

    def _files(self, image: Image, text: str, span: Span, selection: Selection, warnings: list[str]) -> Iterator[Input]:
        context = self.context(image, selection.context)
        try:
            found = find(context, selection)
        except BadPattern as error:
            what = f"{text}: {error} is no pattern"
            hint = "escape [ and \\ with a \\"
            raise DefinitionError([Mistake(file=span.file, line=span.line, what=what, hint=hint)]) from error
        place = f"{span.file}:{span.line}"
        for source in found.escaping:
            what = f"{place}: {source} leads out of the context through a symlink, and BuildKit looks for it inside"
            warnings.append(f"{what}: copy the file into the context, or make the folder above the context")
        if selection.reason:
            warnings.append(f"{place}: the whole context counts, because {selection.reason}")
        for source in found.missing:
            reason = f"{place}: {source} is not in the context; the build would stop there"
            warnings.append(reason)
            yield self._input(InputKind.UNSURE, reason, ((MISSING, source),), span)
        listed = selected(context, selection)
        yield Input(
            kind=InputKind.FILES,
            name=text,
            digest=self.hasher.pairs(listed),
            where=span,
            selection=selection,
        )

    def _absent(self, image: Image, inputs: Sequence[Input], warnings: list[str]) -> Iterator[Input]:
        """Contexts that hold no file: BuildKit's client refuses them, also where nothing is read of them."""
        if not given(image):
            return
        nothing = {self.hasher.pairs(()), self.hasher.pairs((("", f"{MODE_FOLDER:o} "),))}
        read = {
            item.selection.context or context_root(image, "")
            for item in inputs
            if item.selection is not None and item.digest not in nothing
        }
        for folder in absent(image, self.traced, read):
            self._refuse_link(image, folder, inputs)
            place = f"{image.span.file}:{image.span.line}"
            reason = f"{place}: the context {folder} holds no file; a plain build would stop there"
            warnings.append(reason)
            yield self._input(InputKind.UNSURE, reason, ((MISSING, folder),), image.span)

    def _refuse_link(self, image: Image, folder: str, inputs: Sequence[Input]) -> None:
        """Raises DefinitionError where a step reads of a context behind a symlink."""
        if not any(
            item.selection is not None and (item.selection.context or context_root(image, "")) == folder
            for item in inputs
        ):
            return
        from planner.sources.dockerfile_places import BEHIND_LINK, link_on

        if link := link_on(self.traced, folder):
            what = f'images.{image.name}: the context "{folder}" cannot be read'
            mistake = Mistake(file=image.span.file, line=image.span.line, what=what, hint=f"{link} {BEHIND_LINK}")
            raise DefinitionError([mistake])

    def _policy(self, image: Image) -> Iterator[Input]:
        """What buildx holds the sources of the build to."""
        if place := policy_place(image, self.traced):
            found = self.traced.entry(place)
            yield self._input(InputKind.ARGUMENT, place, ((POLICY, "" if found is None else found.oid),), image.span)
            if reads_elsewhere(self.traced, place):
                reason = f"{place} may read files where buildx is started, which may change unseen"
                yield self._input(InputKind.UNSURE, reason, ((POLICY, place),), image.span)

    def _images(
        self, image: Image, platform: str, parent_keys: Mapping[ImageName, str], warnings: list[str]
    ) -> Iterator[Input]:
        node = self.loaded.graph.nodes[image.name]
        spans = {str(use.origin): use.span for use in reversed(node.uses)}
        for origin in sorted({use.origin for use in node.uses}, key=str):
            span = spans[str(origin)]
            if isinstance(origin, ParentImage):
                yield self._input(InputKind.PARENT, origin.name, (("key", parent_keys[origin.name]),), span)
            elif isinstance(origin, ExternalImage):
                parts = self._external(node, origin.reference, platform, warnings)
                yield self._input(InputKind.EXTERNAL, origin.reference, parts, span)
            elif isinstance(origin, RemoteFiles) and not origin.pinned:
                reason = f"the named context {origin.url} may change unseen"
                yield self._input(InputKind.UNSURE, reason, (("url", origin.url),), span)

    def _named_like_stages(self, image: Image) -> Iterator[Input]:
        """Images in whose place their stage is built: once they were put in its place, under the key of the rest."""
        # It reads Dockerfiles, which kept manifests need not.
        from planner.digest.stage_names import named_like_stages

        node, dockerfile = self.loaded.graph.nodes[image.name], self.loaded.dockerfiles[image.dockerfile]
        for name in sorted(named_like_stages(node, dockerfile, self.loaded.family.lock)):
            span = next(use.span for use in node.uses if familiar(use.reference) == name)
            yield self._input(InputKind.INSTRUCTION, f"the stage {name}", (("beside the image", name),), span)

    def _external(self, node: Node, reference: str, built: str, warnings: list[str]) -> tuple[tuple[str, str], ...]:
        """An external image as it counts: by the digest locked for each platform read; without a lock, its name.

        Of a platform that the lock does not have, or that only the machine that builds knows, the
        digest of the index counts: builds are held to that.
        """
        lock = self.loaded.family.lock
        image = lock.images.get(reference)
        read = sorted(node.platforms_of(ExternalImage(reference=reference), built))
        digests: list[tuple[str, str]] = []
        for platform in read:
            name = "digest" if len(read) == 1 else f"digest for {platform}"
            is_pinned = "@" in reference
            facts = lock.platform(reference, built if platform == MACHINE and is_pinned else platform)
            if facts is None and platform != MACHINE and lock.images and not is_pinned:
                warnings.append(f"{reference} is not locked for {platform}: planner lock")
            if facts is not None:
                digests.append((name, facts.digest))
            elif image is not None and not is_pinned:
                digests.append((name, image.digest))
        return (("reference", reference), *digests)

    def context(self, image: Image, folder: str) -> ContextTree:
        """A context of an image: "" for its build context, else the workspace folder of a named one."""
        root = context_root(image, folder)
        # Asked even where the rules are known, so that it stands in this image's trace.
        ignore = ignore_file(self.traced, image, folder).place
        if (root, ignore) not in self.contexts:
            self.contexts[root, ignore] = ContextTree(self.traced, root, self._rules(ignore))
        return self.contexts[root, ignore]

    def _rules(self, path: str) -> IgnoreRules:
        return IgnoreRules.parse(self.tree.read(path, MAX_BYTES), path) if path else IgnoreRules()


def _subject(option: tuple[str, str]) -> tuple[str, str]:
    """What options are sorted by: their order counts among those about the same host or limit, of which one wins."""
    name, value = option
    subject, mark, _ = value.partition(":" if name == "add-host" else "=")
    return name, f"{subject}{mark}"
