"""Random Dockerfiles and requests over random contexts. What BuildKit reads differently has a small chance each."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.oracle import dialect
from tests.oracle.case import Case, Piece, valid
from tests.oracle.contexts import BASES, TRIGGERING
from tests.oracle.copies import CopyMaker

STAGES = ("one", "two", "Three", "four")
ARGS = ("A", "B", "C", "HTTP_PROXY", "TARGETARCH", "TARGETPLATFORM", "BUILDPLATFORM", "TARGETSTAGE", "no_proxy")
VALUES = ("1", "x", "a", "src", "", "b.c", "1:1", "755", "x y")
PLATFORMS = ("--platform=$TARGETPLATFORM ", "--platform=linux/${TARGETARCH} ", "--platform=amd64 ", "--platform=$A ")
Rng = random.Random


def case_of(rng: Rng) -> Case:
    """A whole example; tries again until its files can stand together."""
    while True:
        maker = Maker(rng)
        made = maker.case()
        if valid(made):
            return made


class Maker(CopyMaker):
    """Makes the parts of one case; what was made before (stages, arguments, files) is used later."""

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self.escape = "\\"
        self.locked = self.chance(0.5)

    def case(self) -> Case:
        rng = self.rng
        self.contexts()
        pieces = self.dockerfile()
        args = {rng.choice(ARGS[:3]): rng.choice(VALUES) for _ in range(rng.choice((0, 1, 2)))} | self.own_arguments()
        return Case(
            files=self.files,
            pieces=tuple(Piece(number, text) for number, text in enumerate(pieces)),
            dockerfile=rng.choice(("ctx/Dockerfile",) * 4 + ("ctx/src/my.Dockerfile", "docker/Dockerfile")),
            newline="\r\n" if self.chance(0.06) else "\n",
            mark=self.chance(0.03),
            ended=not self.chance(0.05),
            args=args,
            labels={"k": "v"} if self.chance(0.1) else {},
            named=self.named,
            target=rng.choice(STAGES) if self.chance(0.15) and self.stages else "",
            platform=rng.choice(dialect.SEVERAL_PLATFORMS) if self.chance(0.1) else "linux/amd64",
            network=rng.choice(("", "", "", "none", "host")) if self.chance(0.2) else "",
            locked=self.locked,
        )

    def own_arguments(self) -> dict[str, str]:
        """Now and then an argument that BuildKit itself reads."""
        name = self.rng.choice([*dialect.OWN_ARGUMENTS])
        return {name: self.rng.choice(dialect.OWN_ARGUMENTS[name])} if self.chance(dialect.RARE / 2) else {}

    def dockerfile(self) -> list[str]:
        rng = self.rng
        pieces: list[str] = []
        if self.chance(dialect.RARE / 2):
            pieces.append(rng.choice(dialect.HEADS))
            self.escape = dialect.escape(pieces[0])
        elif self.chance(0.07):
            self.escape = "`"
            pieces.append("# escape=`")
        if self.chance(0.05):
            pieces.append("# check=skip=all")
        if self.chance(0.2):
            pieces.append("# words")
        for _ in range(rng.choice((0, 0, 1, 2))):
            pieces.append(f"ARG {rng.choice(ARGS[:4])}={self.value()}")
        if self.chance(dialect.RARE):
            pieces.append(
                rng.choice(("ARG A B=$A", "ARG TARGETARCH=x", "ARG A", 'ARG C="a b"', "ARG TARGETSTAGE A=$A"))
            )
        if self.chance(0.2):
            pieces.append(f"ARG BASE={rng.choice((*BASES, 'one', 'scratch'))}")
        has_base = any("BASE=" in piece for piece in pieces)
        for number in range(rng.choice((1, 2, 2, 3))):
            pieces.append(self.start(number, has_base=has_base))
            pieces += [self.arg() for _ in range(rng.choice((0, 0, 1, 2)))]
            pieces += [self.decorated(self.instruction()) for _ in range(rng.randint(2, 6))]
        earlier = [name for name in self.stages if f" AS {name}" not in pieces[-1]]
        if earlier and self.chance(0.7):
            pieces.append(f"COPY --from={rng.choice(earlier)} {rng.choice(('/', '/x', 'src'))} /from/")
        return pieces

    def start(self, number: int, *, has_base: bool) -> str:
        rng = self.rng
        if self.stages and self.chance(0.3):
            return f"FROM {rng.choice(self.stages)} AS {self._named(number)}"
        choices = [*BASES[:2], BASES[0], "scratch", "scratch", *self.named, *self.images, BASES[3]]
        if self.locked:
            choices.append(TRIGGERING)
        if self.chance(dialect.RARE):
            choices = [f"docker.io/library/{BASES[0]}", f'"{BASES[0]}"', "${A:+scratch}scratch", f"library/{BASES[1]}"]
        if has_base:
            choices += ["$BASE", "${BASE:-ubuntu:22.04}"]
        base = rng.choice(choices)
        platform = (
            rng.choice(("--platform=$BUILDPLATFORM ", "--platform=linux/arm64 ", *PLATFORMS))
            if self.chance(0.06)
            else ""
        )
        return f"FROM {platform}{base}" + (f" AS {self._named(number)}" if self.chance(0.85) else "")

    def _named(self, number: int) -> str:
        self.stages.append(STAGES[number])
        return STAGES[number]

    def decorated(self, text: str) -> str:
        """Now and then a continuation, a comment in it, other case, more white space."""
        if self.chance(dialect.RARE / 3) and "\n" not in text and "<<" not in text:
            return dialect.respelled(self.rng, text, self.escape)
        first, space, rest = text.partition(" ")
        if self.chance(0.05):
            first = first.lower()
        if self.chance(0.06) and "\n" not in text and "<<" not in text:
            middle = "# inside\n" if self.chance(0.4) else ""
            return f"{first} {self.escape}\n{middle}  {rest}"
        if self.chance(0.05) and "\n" not in text:
            return f"  {first}   {rest}  "
        return f"{first}{space}{rest}"

    def value(self) -> str:
        rng = self.rng
        if self.chance(0.5):
            return rng.choice(("1", "x", "a", "src", "755", '"x y"', "'q'", "/w", ""))
        name = rng.choice(ARGS)
        forms = (
            "${}",
            "${{{}}}",
            "${{{}:-z}}",
            "${{{}:+z}}",
            "${{{}#s}}",
            "${{{}%%c}}",
            "${{{}/s/t}}",
            '"${}"',
            "'${}'",
        )
        if self.chance(dialect.RARE):
            forms = dialect.VALUES
        return rng.choice(forms).format(name) + rng.choice(("", "", "q"))

    def instruction(self) -> str:
        rng = self.rng
        makers: Sequence[tuple[int, Callable[[], str]]] = (
            (7, self.copy),
            (2, self.add),
            (7, self.run),
            (
                3,
                lambda: (
                    f"ENV {' '.join(f'{rng.choice(ARGS[:4])}={self.value()}' for _ in range(rng.choice((1, 1, 2))))}"
                ),
            ),
            (3, self.arg),
            (2, lambda: f"WORKDIR {rng.choice(('/w', 'rel', '/$A', '/w/../v', '/'))}"),
            (1, lambda: f"USER {rng.choice(('nobody', '1:1', '${A:-root}'))}"),
            (1, lambda: "SHELL " + rng.choice(('["/bin/sh", "-c"]', '["/bin/sh", "-ec"]', '["sh"]'))),
            (1, lambda: "LABEL " + rng.choice(("a", "b", '"c d"')) + f"={self.value()}"),
            (1, lambda: "CMD " + rng.choice(('["a"]', "echo $A", '["a", "b"]'))),
            (1, lambda: "ENTRYPOINT " + rng.choice(('["a"]', "echo $A"))),
            (1, lambda: rng.choice(("EXPOSE 80 ${A:-81}", "VOLUME /v $A", "STOPSIGNAL SIGINT", "MAINTAINER me"))),
            (1, lambda: rng.choice(("HEALTHCHECK NONE", "HEALTHCHECK --interval=3s CMD a $A"))),
            (2, lambda: "ONBUILD " + rng.choice((self.copy, self.run, self.arg))()),
            (1, lambda: rng.choice(("# a comment", ""))),
            (4, lambda: rng.choice(dialect.SETTINGS)),
            (1, lambda: "ONBUILD " + rng.choice(dialect.TRIGGERS)),
        )
        weights = [weight for weight, _ in makers]
        return rng.choices([maker for _, maker in makers], weights)[0]()

    def arg(self) -> str:
        name = self.rng.choice(ARGS)
        return f"ARG {name}" if self.chance(0.5) else f"ARG {name}={self.value()}"

    def mount(self) -> str:
        rng = self.rng
        if self.chance(dialect.RARE * 2):
            return f"--mount={rng.choice(dialect.MOUNTS)}"
        kind = rng.random()
        if kind < 0.5:
            source = f",source={rng.choice((self.source(), 'src', 'lib', '/', '$A'))}" if self.chance(0.7) else ""
            froms = [*self.stages, *self.named, BASES[1], *self.images]
            from_ = f",from={rng.choice(froms)}" if self.chance(0.4) and froms else ""
            rw = rng.choice(("", "", ",rw", ",ro"))
            return (
                f"--mount={rng.choice(('type=bind,', ''))}target={rng.choice(('/m', 'm', '/$A/m'))}{source}{from_}{rw}"
            )
        if kind < 0.7:
            more = rng.choice(
                (
                    "",
                    ",id=i",
                    ",sharing=locked",
                    ",uid=5",
                    ",mode=0700",
                    f",from={rng.choice([*self.stages, BASES[0]])}",
                )
            )
            return f"--mount=type=cache,target={rng.choice(('/c', '/$A/c'))}{more}"
        return rng.choice(
            (
                "--mount=type=tmpfs,target=/t",
                "--mount=type=tmpfs,target=/t,size=1024",
                "--mount=type=secret,id=s",
                "--mount=type=secret,id=s,target=/s,required",
                "--mount=type=secret,id=s,env=S",
                "--mount=type=ssh",
            )
        )

    def run(self) -> str:
        rng = self.rng
        flags = "".join(f"{self.mount()} " for _ in range(rng.choice((0, 0, 0, 1, 1, 2))))
        if self.chance(0.08):
            flags += f"--network={rng.choice(('none', 'default', 'host'))} "
        if self.chance(dialect.RARE / 2):
            flags += f"{rng.choice(dialect.RUN_FLAGS)} "
        if self.chance(dialect.RARE):
            return f"RUN {flags}{rng.choice(dialect.COMMANDS)}"
        kind = rng.random()
        if kind < 0.2:
            word, end = rng.choice((("EOF", "EOF"), ('"EOF"', "EOF"), ("-EOF", "\tEOF")))
            command = rng.choice(("", "", "cat ", "cat <<B "))
            more = "\nb\nB" if "<<B" in command else ""
            body = rng.choice(("echo $A", "#!/bin/sh\necho", "\techo x\necho y"))
            return (
                f"RUN {flags}{command}<<{word}\n{body}\n{end}"
                if not more
                else f"RUN {flags}cat <<B <<{word}{more}\n{body}\n{end}"
            )
        command = rng.choice(("echo $A", "true", '["echo", "$A"]', "cat /m/* || true", "echo '  two  '", "make  $B"))
        return f"RUN {flags}{command}"
