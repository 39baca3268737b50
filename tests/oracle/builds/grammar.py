"""Random families: what the grammar of the other oracle writes, over files that the images share and over each other.

Commands are such that a static busybox runs them. What BuildKit refuses is drawn again by whoever builds.
"""

from __future__ import annotations

import io
import random
import tarfile
from dataclasses import replace

from tests.oracle import dialect
from tests.oracle.builds.family import GRAPH_FILE, Member, State, names_of
from tests.oracle.case import Case, File, Piece, valid
from tests.oracle.grammar import ARGS, STAGES, VALUES, Maker

NAMES = ("base", "cuda", "tool", "lang", "lib", "app", "web", "job", "docs", "test", "perf", "all")
OTHER_CONTEXTS = ("ctx/src", "ctx/lib", "more", "ctx/src", "ctx/lib", "more", ".")
COMMANDS = (
    "echo $A > /made-{} || true",
    "cat /m/* > /mounted-{} 2>&1 || true",
    "env > /env-{} || true",
    '["/bin/busybox", "touch", "/tmp/{}"]',
    "find / -xdev -path /proc -prune -o -name '*a*' -print > /found-{} || true",
    "true",
    "echo '  two  ' >> /log || true",
)


class ImageMaker(Maker):
    """Makes the Dockerfile of one image of a family."""

    def __init__(self, rng: random.Random, files: dict[str, File], images: tuple[str, ...]) -> None:
        super().__init__(rng)
        self.files = files
        self.images = images
        self.locked = True

    def start(self, number: int, *, has_base: bool) -> str:
        if self.images and self.chance(0.55):
            self.stages.append(STAGES[number])
            return f"FROM {self.rng.choice(self.images)} AS {STAGES[number]}"
        return super().start(number, has_base=has_base)

    def add(self) -> str:
        """No network: archives and folders."""
        source = self.rng.choice(("a.tar", "*.tar", self.source(), self.source()))
        unpack = self.rng.choice(("", "", "--unpack=true ", "--unpack=false "))
        if self.chance(dialect.RARE):
            unpack = f"{self.rng.choice(dialect.ONLY_ADD_FLAGS)} "
        return f"ADD {self.flags()}{unpack}{self._words([source])}"

    def run(self) -> str:
        rng = self.rng
        mounts = "".join(f"{self.mount()} " for _ in range(rng.choice((0, 0, 1, 1, 2))))
        if self.chance(dialect.RARE / 2):
            mounts += "-- "
        if self.chance(dialect.RARE):
            return f"RUN {mounts}{rng.choice(dialect.COMMANDS)}"
        if self.chance(0.15):
            word, end = rng.choice((("EOF", "EOF"), ('"EOF"', "EOF"), ("-EOF", "\tEOF")))
            return f"RUN {mounts}<<{word}\n{rng.choice(('echo $A > /here || true', 'true'))}\n{end}"
        return f"RUN {mounts}{rng.choice(COMMANDS).format(rng.randrange(1000))}"


def files_of(rng: random.Random) -> dict[str, File]:
    """The files of a family: of the context `ctx`, of the folder `more`, and ignore files."""
    while True:
        files = _files(rng)
        if valid(Case(files=files, dockerfile=GRAPH_FILE)):
            return files


def _files(rng: random.Random) -> dict[str, File]:
    maker = Maker(rng)
    maker.contexts()
    for path in ("more/a", "more/src/b.c"):
        maker.files.setdefault(path, maker.file())
    maker.files["ctx/a.tar"] = File(archive(rng.choice(("one", "two"))))
    return {path: file for path, file in maker.files.items() if not path.endswith("Dockerfile.dockerignore")}


def archive(word: str) -> str:
    """A tar archive of two small files; its bytes are all ASCII."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in ("in/a", f"in/{word}"):
            entry = tarfile.TarInfo(path)
            entry.size = len(word)
            tar.addfile(entry, io.BytesIO(word.encode()))
    return out.getvalue().decode("ascii")


def references(rng: random.Random, names: tuple[str, ...]) -> tuple[str, ...]:
    """How Dockerfiles call the images before them: plainly, with `latest`, by a pin."""
    found = []
    for name in names:
        plain, pinned = names_of(name)
        found.append(rng.choice((plain, plain, f"{plain}:latest", pinned)))
    return tuple(found)


def member_of(rng: random.Random, name: str, before: tuple[str, ...], files: dict[str, File]) -> Member:
    """One image that may read those before it."""
    images = references(rng, before)
    maker = ImageMaker(rng, files, images)
    if maker.chance(0.35):
        maker.named[rng.choice(("extra", "extra", "one", "golang:1.20"))] = "more"
    maker.rare_context()
    if before and maker.chance(0.2):
        maker.named["dep"] = f"target:{rng.choice(before)}"
    pieces = maker.dockerfile()
    args = {rng.choice(ARGS[:3]): rng.choice(VALUES) for _ in range(rng.choice((0, 1, 2)))} | maker.own_arguments()
    place = rng.choice(("ctx/{}.Dockerfile", "docker/{}.Dockerfile", "docker/{}/Dockerfile"))
    case = Case(
        pieces=tuple(Piece(number, text) for number, text in enumerate(pieces)),
        dockerfile=place.format(name),
        newline="\r\n" if maker.chance(0.05) else "\n",
        mark=maker.chance(0.03),
        ended=not maker.chance(0.05),
        args=args,
        labels={"k": "v"} if maker.chance(0.15) else {},
        named=maker.named,
        target=rng.choice(STAGES) if maker.chance(0.15) and maker.stages else "",
        platform="linux/arm64" if maker.chance(0.04) else "linux/amd64",
        network="none" if maker.chance(0.04) else "",
    )
    context = rng.choice(OTHER_CONTEXTS) if maker.chance(0.45) else "ctx"
    return Member(name=name, case=case, context=context)


def with_ignore_file(rng: random.Random, state: State, member: Member) -> State:
    """Now and then an ignore file beside the Dockerfile."""
    maker = Maker(rng)
    if not maker.chance(0.2):
        return state
    ignore = File(maker.ignore_text())
    return replace(state, files={**state.files, f"{member.case.dockerfile}.dockerignore": ignore})
