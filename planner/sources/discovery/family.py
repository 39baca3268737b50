"""Turns the Dockerfiles of a tree into the Family that a graph file would have named, and says what was guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from planner.errors import DefinitionError, InputError, Mistake
from planner.model.frozen import dataclass
from planner.model.image import DISCOVERED, Doubt, Family, Image, ImageName, Span
from planner.model.names import Published, Reference
from planner.ports import Tree
from planner.sources.discovery.answers import HINT, Answers
from planner.sources.discovery.contexts import Context, context_of
from planner.sources.discovery.files import dockerfiles
from planner.sources.discovery.look import Read, Seen, is_meant, look
from planner.sources.discovery.names import image_names, readings
from planner.sources.dockerfile.syntax import Dockerfile
from planner.sources.doubts import CONTEXT, DOCKERFILE
from planner.sources.places import Places, places_of

MAX_DOCKERFILE = 4 << 20
PLACEHOLDERS = "placeholder.invalid"
"""The registry of the names that stand in for `<…>`: one that cannot exist (RFC 2606)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """Something that text alone suggested about an image: `what` was taken, and `why`."""

    image: ImageName
    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """A family that nobody wrote down. `unread` are files with a Dockerfile's name that are none, and why.

    `choices` are the arguments that builds are meant to choose an image's base with, and their defaults; `reads` are
    the references of each Dockerfile, `possible` those that only one image may make, with it and who reads them.
    """

    family: Family
    guesses: tuple[Guess, ...]
    choices: tuple[tuple[ImageName, str, str], ...]
    unread: tuple[tuple[str, str], ...]
    reads: tuple[tuple[str, str], ...]
    possible: tuple[tuple[ImageName, str, str], ...]
    dockerfiles: Mapping[str, Dockerfile]


def discover(tree: Tree, paths: Sequence[str]) -> Discovered:
    """Make a family of the Dockerfiles among the paths of a tree; their order never matters."""
    found = dockerfiles(paths)
    seen: dict[str, Seen] = {}
    unread: dict[str, str] = {}
    broken: list[Doubt] = []
    for path in found:
        try:
            seen[path] = look(tree.read(path, MAX_DOCKERFILE), path)
        except InputError as error:
            unread[path] = str(error)
        except DefinitionError as error:
            first = error.mistakes[0]
            unread[path] = f"line {first.line}: {first.what}" if first.line else first.what
            if is_meant(tree.read(path, MAX_DOCKERFILE), first.line):
                broken.append(_broken(first))
    maker = _Maker(places_of(tree), found, seen, unread)
    images = tuple(maker.image(path) for path in seen)
    images = tuple(maker.named(image) for image in images)
    return Discovered(
        family=Family(file=DISCOVERED, images=images, doubts=tuple(dict.fromkeys([*maker.doubts, *broken]))),
        guesses=tuple(maker.guesses),
        choices=tuple(dict.fromkeys(maker.choices)),
        unread=tuple(sorted(unread.items())),
        reads=maker.reads,
        possible=tuple(dict.fromkeys(maker.possible)),
        dockerfiles={path: one.dockerfile for path, one in seen.items()},
    )


class _Maker:
    """Makes the images of one family; collects what was guessed and what is in doubt."""

    def __init__(
        self, places: Places, found: Sequence[str], seen: Mapping[str, Seen], unread: Mapping[str, str]
    ) -> None:
        self.places = places
        self.seen = seen
        self.unread = unread
        self.names = {path: ImageName(name) for path, name in image_names(tuple(seen)).items()}
        self.reads = tuple((path, read.reference) for path, one in seen.items() for read in one.reads)
        self.answers = Answers(readings(found), self.reads)
        self.tags: dict[ImageName, dict[str, None]] = defaultdict(dict)
        self.doubts: list[Doubt] = []
        self.guesses: list[Guess] = []
        self.choices: list[tuple[ImageName, str, str]] = []
        self.possible: list[tuple[ImageName, str, str]] = []

    def image(self, path: str) -> Image:
        """One image, but for the names that it is known by."""
        name, one = self.names[path], self.seen[path]
        context = context_of(path, one.sources, self.places)
        span = Span(file=path, line=1)
        self._tell(name, context, span)
        args = {read.chosen_by: value for read in one.reads if (value := self._read(path, read))}
        return Image(name=name, span=span, context=context.folder, dockerfile=path, args=tuple(sorted(args.items())))

    def named(self, image: Image) -> Image:
        """The image with the names that references know it by."""
        return Image(
            name=image.name,
            span=image.span,
            context=image.context,
            dockerfile=image.dockerfile,
            args=image.args,
            tags=tuple(sorted(self.tags[image.name])),
        )

    def _tell(self, name: ImageName, context: Context, span: Span) -> None:
        if context.doubt:
            self._doubt(name, CONTEXT, context.folder, context.doubt, context.span or span)
        else:
            self.guesses.append(Guess(image=name, what=f"context {context.folder}", why=context.why))

    def _read(self, path: str, read: Read) -> str:
        """Answer one reference; gives the value of the argument that a placeholder stands for."""
        reader = self.names[path]
        if read.placeholder:
            answer = self.answers.placeholder(path, read.placeholder)
        else:
            answer = self.answers.answer(path, read.reference)
        if len(answer.may) == 1 and answer.may[0] in self.names:
            self.possible.append((self.names[answer.may[0]], read.reference, path))
        if answer.doubt:
            self._doubt(reader, read.role, read.reference, answer.doubt, read.span)
        elif answer.path in self.unread:
            what = f"{answer.path} reads like it and cannot be read: {self.unread[answer.path]}"
            self._doubt(reader, read.role, read.reference, what, read.span, f"mend {answer.path}")
        elif answer.path and read.placeholder:
            return self._placeholder(self.names[answer.path], reader, read, answer.why)
        elif answer.path and read.chosen_by:
            self.choices.append((reader, read.chosen_by, read.default))
            what = f"argument {read.chosen_by} is its whole name, which builds are meant to choose"
            hint = f"give the value of {read.chosen_by} under args: in an images.yaml; one image for each value"
            self._doubt(reader, read.role, read.reference, what, read.span, hint)
        elif answer.path:
            self._known(self.names[answer.path], _published(read.reference), answer.why)
        return ""

    def _placeholder(self, name: ImageName, reader: ImageName, read: Read, why: str) -> str:
        value = f"{PLACEHOLDERS}/{name.lower()}"
        try:
            Reference.parse(value)
        except ValueError:
            what = f'<{read.placeholder}> is a placeholder, and "{name}" is no name for a repository'
            self._doubt(reader, read.role, read.reference, what, read.span)
            return ""
        self._known(name, value, why)
        return value

    def _known(self, name: ImageName, published: str, why: str) -> None:
        if published not in self.tags[name]:
            self.tags[name][published] = None
            self.guesses.append(Guess(image=name, what=f"known as {published}", why=why))

    def _doubt(self, image: ImageName, role: str, reference: str, reason: str, span: Span, hint: str = HINT) -> None:
        self.doubts.append(Doubt(image=image, role=role, reference=reference, reason=reason, hint=hint, span=span))


def _broken(first: Mistake) -> Doubt:
    span = Span(file=first.file, line=first.line)
    hint = "mend it, or leave it out of an images.yaml: planner init proposes one"
    return Doubt(image=ImageName(""), role=DOCKERFILE, reference=first.file, reason=first.what, span=span, hint=hint)


def _published(text: str) -> str:
    """The name that answers exactly one reference, whatever its digest."""
    reference = Reference.parse(text)
    return str(Published(repository=reference.repository, tag=reference.tag))
