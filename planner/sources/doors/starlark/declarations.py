"""Turns the calls of all packages into images, externals and what the family shares; labels are resolved last."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from planner.errors import Mistake, one_of
from planner.model.frozen import dataclass, replace
from planner.model.image import DEFAULT_PLATFORM, Doubt, Image, ImageName, Kind, KindDefaults
from planner.model.names import Reference
from planner.sources.doors.starlark.call_desk import CallDesk, Undecided, mistake, selected
from planner.sources.doors.starlark.engine import Call, Refused, Value
from planner.sources.doors.starlark.labels import Label, is_label, label_of, visible_to
from planner.sources.image_fields import IMAGE_FIELDS, Fields, image_of, read_fields
from planner.sources.matrix import combinations
from planner.sources.visibility import hidden, may_read, readable_by

FIELDS = tuple(name for name in IMAGE_FIELDS if name not in {"inherits", "matrix"})
DEFAULT_FIELDS = tuple(name for name in FIELDS if name != "name")
ALGORITHMS = ("xxh3_128", "sha256")
MAX_IMAGES = 20_000


@dataclass(frozen=True, kw_only=True)
class External:
    """An image that is not built here, under a label."""

    reference: str
    call: Call
    visibility: tuple[str, ...]


class Declarations:
    """What was declared so far. `line` gives a line of a file for mistakes."""

    def __init__(self, line: Callable[[str, int], str], defines: Mapping[str, str]) -> None:
        self.line = line
        self.defines = defines
        self.mistakes: list[Mistake] = []
        self.doubts: list[Doubt] = []
        self.registry = ""
        self.algorithm = ALGORITHMS[0]
        self.kinds: dict[str, KindDefaults] = {}
        self._defaults = Fields()
        self._visibility: tuple[str, ...] = ()
        self._settings: Call | None = None
        self._full = False
        self._images: dict[ImageName, tuple[Image, CallDesk]] = {}
        self._externals: dict[Label, External] = {}

    def add(self, call: Call, package: str, file: str) -> None:
        """One call of a package, whose own file is `file`; calls beyond all bounds are passed over."""
        if self._full:
            return
        desk = CallDesk(call, self.line, self.mistakes, literal=call.function != "image_family")
        if call.stack[0].file != file:
            desk.wrong(
                None, f"{call.function} is called while a file is loaded", "call it in a function, or in a package"
            )
        elif len(call.positional) > (call.function != "family") or (call.positional and "name" in call.named):
            desk.wrong(None, f"{call.function}: takes named arguments", 'write name = "…", and so on')
        else:
            given = {name: value for name, value in call.named.items() if value is not None}
            if call.positional:
                given = {"name": call.positional[0], **given}
            {
                "image": self._image,
                "image_family": self._image,
                "external": self._external,
                "kind": self._kind,
                "family": self._family,
            }[call.function](desk, given, package)

    def _family(self, desk: CallDesk, given: Mapping[str, Value], package: str) -> None:
        known = ("registry", "keys", "defaults", "default_visibility")
        fields = desk.fields(given, "family", known)
        if self._settings is not None or package:
            first = self._settings
            where = f"the first is at {first.stack[0].file}:{first.stack[0].line}" if first else ""
            desk.wrong(None, "family: is called once, in the file at the top of the workspace", where)
            return
        self._settings = desk.call
        plain_desk = CallDesk(desk.call, self.line, self.mistakes)
        if "registry" in fields:
            self.registry = (plain_desk.text(fields["registry"][1], "family.registry") or "").rstrip("/")
        if "keys" in fields:
            self.algorithm = self._algorithm(plain_desk, fields["keys"][1])
        if "default_visibility" in fields:
            self._visibility = self._texts(plain_desk, fields["default_visibility"][1], "family.default_visibility")
        if "defaults" in fields:
            self._defaults = read_fields(
                desk, self._decided(desk, fields["defaults"][1], ()), "defaults", DEFAULT_FIELDS
            )

    def _algorithm(self, desk: CallDesk, value: Value) -> str:
        if isinstance(value, Mapping):
            value = desk.fields(value, "family.keys", ("algorithm",)).get("algorithm", ("", ALGORITHMS[0]))[1]
        if value not in ALGORITHMS:
            desk.wrong(None, f"family.keys: is one of {', '.join(ALGORITHMS)}")
            return ALGORITHMS[0]
        return str(value)

    def _texts(self, desk: CallDesk, value: Value, path: str) -> tuple[str, ...]:
        return tuple(text for item in desk.items(value, path) if (text := desk.text(item, path)) is not None)

    def _kind(self, desk: CallDesk, given: Mapping[str, Value], package: str) -> None:
        desk = CallDesk(desk.call, self.line, self.mistakes)
        fields = desk.fields(given, "kind", ("name", "runner", "cache", "resources"))
        name = desk.text(fields["name"][1], "kind.name") if "name" in fields else None
        kinds = [kind.value for kind in Kind]
        if name not in kinds or name in self.kinds:
            again = name in self.kinds
            desk.wrong(
                None, f'kind: "{name}" is declared twice' if again else f"kind: name is one of {', '.join(kinds)}"
            )
            return
        texts = {key: desk.text(fields[key][1], f"kind.{key}") or "" for key in ("runner", "cache") if key in fields}
        entries = desk.fields(fields["resources"][1], "kind.resources") if "resources" in fields else {}
        resources = tuple((key, desk.text(value, f"kind.resources.{key}") or "") for key, (_, value) in entries.items())
        self.kinds[name] = KindDefaults(
            runner=texts.get("runner", ""), cache=texts.get("cache", ""), resources=resources
        )

    def _external(self, desk: CallDesk, given: Mapping[str, Value], package: str) -> None:
        desk = CallDesk(desk.call, self.line, self.mistakes)
        fields = desk.fields(given, "external", ("name", "image", "digest", "visibility"))
        texts = {
            key: desk.text(fields[key][1], f"external.{key}") or ""
            for key in ("name", "image", "digest")
            if key in fields
        }
        if not texts.get("name") or not texts.get("image"):
            desk.wrong(None, "external: needs a name and an image", 'external(name = "ubuntu", image = "ubuntu:22.04")')
            return
        reference = texts["image"] + (f"@{texts['digest']}" if texts.get("digest") else "")
        try:
            Reference.parse(reference)
        except ValueError as error:
            desk.wrong(None, f'external: "{reference}" is no reference: {error}')
            return
        label = Label(package=package, name=texts["name"])
        visibility = self._visible(desk, fields, package)
        if label in self._externals:
            before = self._externals[label].call.stack[0]
            desk.wrong(None, f"external: a second one is named {label}", f"the first is at {before.file}:{before.line}")
            return
        self._externals[label] = External(reference=reference, call=desk.call, visibility=visibility)

    def _visible(self, desk: CallDesk, fields: Mapping[str, tuple[Value, Value]], package: str) -> tuple[str, ...]:
        given = self._visibility
        if "visibility" in fields:
            given = self._texts(desk, fields["visibility"][1], "visibility")
        try:
            return visible_to(given, package)
        except Refused as refused:
            desk.wrong(None, refused.what, refused.hint)
            return ()

    def _decided(self, desk: CallDesk, value: Value, platforms: tuple[str, ...]) -> Value:
        try:
            return selected(value, platforms or (DEFAULT_PLATFORM,), self.defines)
        except Undecided as undecided:
            desk.wrong(None, str(undecided))
            return {}

    def _platforms(self, desk: CallDesk, given: Mapping[str, Value]) -> tuple[str, ...]:
        """The platforms that a call is for, as `select` must know them."""
        written = self._decided(desk, {"platforms": given["platforms"]}, ()) if "platforms" in given else {}
        value = written.get("platforms")
        if value is None:
            return tuple(text for text, _ in (self._defaults.lists or {}).get("platforms", ()))
        return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)

    def _image(self, desk: CallDesk, given: Mapping[str, Value], package: str) -> None:
        entry = given.get("name")
        if not isinstance(entry, str) or not entry:
            desk.wrong(None, f"{desk.call.function}: needs a name", f'{desk.call.function}(name = "…", …)')
            return
        path = str(Label(package=package, name=entry))
        given = self._decided(desk, dict(given), self._platforms(desk, given))
        given = {name: value for name, value in given.items() if value is not None}
        plain_desk = CallDesk(desk.call, self.line, self.mistakes)
        known = (*FIELDS, "visibility", *(("matrix", "exclude") if desk.call.function == "image_family" else ()))
        if "inherits" in given:
            desk.wrong(None, f"{path}: there is no inherits here", "share arguments with a macro, or with **COMMON")
            del given["inherits"]
        visibility = self._visible(plain_desk, plain_desk.fields(given, path, known), package)
        fields = {name: value for name, value in given.items() if name in FIELDS or name == "matrix"}
        if "exclude" in given and isinstance(given.get("matrix"), Mapping):
            fields["matrix"] = {**given["matrix"], "exclude": given["exclude"]}
        read = _placed(read_fields(desk, fields, path, (*FIELDS, "matrix")).over(self._defaults), package)
        for axes in combinations(plain_desk, read, path):
            made = image_of(desk, entry, None, read, axes, path)
            if made is not None:
                self._keep(replace(made, package=package, stack=desk.stack, visibility=visibility), desk)
        self.doubts.extend(desk.doubts)

    def _keep(self, image: Image, desk: CallDesk) -> None:
        if image.name in self._images:
            before = self._images[image.name][0]
            hint = f"the first is {before.label}, at {before.span}; names are those of the whole family"
            desk.wrong(None, f'{image.label}: a second image is named "{image.name}"', hint)
        elif len(self._images) < MAX_IMAGES:
            self._images[image.name] = (image, desk)
        elif not self._full:
            self._full = True
            desk.wrong(None, f"more than {MAX_IMAGES} images")

    def images(self) -> tuple[Image, ...]:
        """All images, with what labels mean in the place of labels."""
        return tuple(
            replace(image, contexts=tuple((name, self._context(image, desk, text)) for name, text in image.contexts))
            for image, desk in self._images.values()
        )

    def _context(self, image: Image, desk: CallDesk, text: str) -> str:
        if is_label(text):
            try:
                return self._meant(image, desk, label_of(text, image.package))
            except Refused as refused:
                desk.wrong(None, f"{image.label}.contexts: {refused.what}", refused.hint)
                return "."
        if "://" in text or text.startswith(("target:", "git@")):
            return text
        return _joined(image.package, text)

    def _meant(self, image: Image, desk: CallDesk, label: Label) -> str:
        external = self._externals.get(label)
        if external is not None:
            if not may_read(image.package, external.visibility):
                place = external.call.stack[0]
                what = f"{label} ({place.file}:{place.line}) is not visible to //{image.package}, of {image.label}"
                desk.wrong(None, what, f"it is visible to {', '.join(external.visibility)}")
            return f"docker-image://{external.reference}"
        found = self._images.get(ImageName(label.name))
        if found is None or found[0].package != label.package:
            labels = [*(one.label for one, _ in self._images.values()), *map(str, self._externals)]
            raise Refused(f"nothing is named {label}", one_of(str(label), labels))
        if not may_read(image.package, found[0].visibility):
            desk.wrong(None, f"{hidden(found[0], image.package)}, of {image.label}", readable_by(found[0]))
        return f"target:{label.name}"

    def failed(self, stack_or_call: Call, what: str, hint: str) -> None:
        """A mistake of a call that declares nothing."""
        self.mistakes.append(mistake(stack_or_call.stack, what, hint, self.line))


def _placed(fields: Fields, package: str) -> Fields:
    """The fields with paths relative to the workspace; those that begin with // are already."""
    texts = dict(fields.texts or {})
    context, place = texts.get("context", (".", None))
    texts["context"] = (_joined(package, context), place)
    if "dockerfile" in texts and texts["dockerfile"][0].startswith("//"):
        written, place = texts["dockerfile"]
        below = posixpath.normpath(written[2:] or ".")
        texts["dockerfile"] = (posixpath.relpath(f"/{below}", posixpath.normpath(f"/{texts['context'][0]}")), place)
    return replace(fields, texts=texts)


def _joined(package: str, text: str) -> str:
    if "://" in text or text.startswith(("/", "git@")):
        return posixpath.normpath(text[2:] or ".") if text.startswith("//") else text
    return posixpath.normpath(posixpath.join(package, text))
