"""Random COPY and ADD: sources, flags, here-documents and what is fetched."""

from __future__ import annotations

import random

from tests.oracle import dialect
from tests.oracle.contexts import BASES, ContextMaker

PATTERNS = (
    "*",
    "a*",
    "*.c",
    "src/*",
    "?",
    "[ab]*",
    "**/*.c",
    "l*b",
    "src/d*",
    "**/a",
    "*/a",
    "b*",
    "c.t?t",
    "a?",
    ".h*",
)


class CopyMaker(ContextMaker):
    """Makes COPY and ADD over the files, stages and images that are known so far."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.stages: list[str] = []
        self.images: tuple[str, ...] = ()  # references to images that are built before

    def source(self) -> str:
        rng = self.rng
        if self.chance(dialect.RARE):
            return rng.choice(dialect.SOURCES)
        known = [path.split("/", 1)[1] for path in self.files if path.startswith("ctx/") and "ignore" not in path]
        kind = rng.random()
        if kind < 0.55 and known:
            path = rng.choice(known)
            return path if self.chance(0.6) or "/" not in path else path.rpartition("/")[0]
        if kind < 0.85:
            return rng.choice(PATTERNS)
        if kind < 0.94:
            return rng.choice((".", "/", "./src", "src/", "src/../a", "/lib"))
        return rng.choice(("$A", "${A}*", "src/$B", "missing*", "${C:-a}"))

    def flags(self) -> str:
        rng = self.rng
        flags = []
        if self.chance(0.12):
            flags.append(f"--chmod={rng.choice(('755', '644', 'u+x', '${A:-700}'))}")
        if self.chance(0.12):
            flags.append(f"--chown={rng.choice(('1:1', 'nobody', '${A:-2}', 'root:root'))}")
        if self.chance(0.12):
            flags.append("--link")
        for _ in range(rng.choice((0, 0, 1, 2))):
            flags.append(f"--exclude={rng.choice((*PATTERNS, '!a', '**/b.c', '$A*'))}")
        if self.chance(dialect.RARE):
            flags.append(rng.choice(dialect.COPY_FLAGS))
        return "".join(f"{flag} " for flag in flags)

    def _words(self, sources: list[str]) -> str:
        target = self.rng.choice(("/x/", "/x/", "x/", "./", "/", "/$A/", "/x y/", "/f"))
        if self.chance(dialect.RARE):
            target = self.rng.choice(dialect.DESTINATIONS)
        if target == "/f" and len(sources) > 1:
            target = "/f/"
        words = [*sources, target]
        if any(" " in word for word in words) or self.chance(0.05):
            return "[" + ", ".join(f'"{word}"' for word in words) + "]"
        return " ".join(words)

    def copy(self) -> str:
        rng = self.rng
        flags = self.flags()
        if self.chance(0.2):
            return f"COPY {flags}{self.heredoc()}"
        if self.chance(dialect.RARE / 2):
            flags += f"{rng.choice(dialect.ONLY_COPY_FLAGS)} "
        froms = [*self.stages, *self.named, *BASES[:2], "0", *self.images]
        if self.chance(0.25):
            flags += f"--from={rng.choice(froms)} "
        if self.chance(0.25):
            flags += "--parents "
            sources = [rng.choice(("src/./deep", "./src/./*", "src/**/a", "**/*.c", self.source(), "lib/./src/**"))]
        else:
            sources = [self.source() for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        return f"COPY {flags}{self._words(sources)}"

    def add(self) -> str:
        rng = self.rng
        kind = rng.random()
        if self.chance(dialect.RARE):
            checksum = f"--checksum={rng.choice(dialect.CHECKSUMS)} " if self.chance(0.4) else ""
            return f"ADD {checksum}{rng.choice(dialect.REMOTES)} /x/"
        if self.chance(dialect.RARE):
            return f"ADD {rng.choice(dialect.ONLY_ADD_FLAGS)} {self._words([self.source(), self.source()])}"
        if kind < 0.15:
            checksum = f"--checksum=sha256:{rng.choice('12') * 64} " if self.chance(0.7) else ""
            return f"ADD {checksum}https://example.com/{rng.choice(('f', 'g.tar'))} /x/"
        if kind < 0.25:
            return f"ADD https://github.com/a/b.git#{rng.choice(('main', '1' * 40))} /x/"
        flags = self.flags() + rng.choice(("", "", "--unpack=true ", "--keep-git-dir=true "))
        return f"ADD {flags}{self._words([self.source()])}"

    def heredoc(self) -> str:
        if self.chance(dialect.RARE * 2):
            return self.rng.choice(dialect.HEREDOCS)
        word, end = self.rng.choice((("EOF", "EOF"), ('"EOF"', "EOF"), ("-EOF", "\tEOF"), ("'E'", "E")))
        body = self.rng.choice(("hi $A", "a\n${B:-b} \\$C", "\tx", "'$A' \"$B\"", ""))
        return f"<<{word} {self.rng.choice(('/h', 'h', '/$A/h'))}\n{body}\n{end}" if body else f"<<{word} /h\n{end}"
