"""Every feature of BuildKit v0.32.2 that can change what an image holds or which inputs count, and how to see it drawn.

Read out of `frontend/dockerfile` (parser, instructions, dockerfile2llb, shell) and `frontend/dockerui`. Left out, each
for its reason: `# syntax=` and BUILDKIT_SYNTAX (another frontend reads the file then; a plan counts its reference),
BUILDKIT_MULTI_PLATFORM (no single image comes out), contexts by git, http or `input:` (no network), secrets' and ssh
keys' values (never an input), and what a build is asked for beside its files, such as `add-host` or `shm-size` (a plan
counts each as it is written).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.oracle.case import EXECUTABLE, LINK, Case

Seen = Callable[[Case], bool]


@dataclass(frozen=True, kw_only=True)
class Feature:
    """`alone` is a feature of the oracle that builds nothing: it needs a network or what a build is not allowed."""

    says: str
    seen: Seen
    alone: bool = False


def _text(pattern: str) -> Seen:
    found = re.compile(pattern, re.MULTILINE)
    return lambda case: found.search(case.text.replace("\r\n", "\n")) is not None


def _flag(keyword: str, flag: str) -> Seen:
    return _text(rf"(?i:^\s*(?:ONBUILD\s+)?{keyword}\s)(?:.*\s)?{flag}")


def _mount(pattern: str) -> Seen:
    return _text(rf"--mount=\S*{pattern}")


_PARSER: dict[str, Seen] = {
    "escape by a backtick": _text(r"^# escape=`"),
    "a directive in another spelling": _text(r"^(#escape|# Escape|  # escape)"),
    "a directive that comes too late": _text(r"^(# words|#!/bin/sh|# unknown=1|)\n# (syntax|escape)="),
    "# check=": _text("^# check="),
    "a byte-order mark": lambda case: case.mark,
    "line ends of Windows": lambda case: case.newline == "\r\n",
    "a last line without an end": lambda case: not case.ended,
    "a keyword in lower case": _text("^(copy|run|env|arg) "),
    "a keyword in both cases": _text("^(Copy|Run|Env|Arg) "),
    "a tab after the keyword": _text(r"^[A-Z]+\t"),
    "a white space beyond ASCII": _text("\u00a0"),
    "a continuation": _text(r"[\\`]\n"),
    "a comment in a continuation": _text(r"[\\`]\n# "),
    "an empty line in a continuation": _text(r"[\\`]\n\n"),
    "blanks after a continuation mark": _text(r"[\\`] \t\n"),
    "a continuation within a word": _text(r"^[A-Z]{2}[\\`]\n"),
    "a mark that is escaped": _text(r"(\\\\|``)$"),
    "comments and empty lines": _text(r"\n(# a comment)?\n"),
    "a here-document": _text("<<EOF"),
    "a quoted here-document": _text("<<[\"']"),
    "a here-document without tabs": _text("<<-"),
    "two here-documents": _text("<<.*<<"),
    "two here-documents of one name": _text("<<E <<E"),
    "a here-document of a descriptor": _text("3<<"),
    "a here-document after a blank": _text("<< E"),
    "a here-document with a shebang": _text("^#!/bin/sh"),
    "a here-document in a trigger": _text("^ONBUILD .*<<"),
    "a here-document beside a file": _text("^COPY (?:--.* )?a <<"),
    "JSON": _text(r'^COPY (?:--\S+ )*\["'),
    "what only looks like JSON": _text(r"\['|\[\"[^\]]*$"),
}
_STAGES: dict[str, Seen] = {
    "a stage": _text("^FROM .* AS one"),
    "a stage of capitals": _text("AS Three"),
    "no name of a stage": _text("^FROM \\S+$"),
    "a stage from a stage": _text("^FROM one"),
    "a stage from nothing": _text("^FROM scratch"),
    "an argument in FROM": _text(r"^FROM (--\S+ )?[$]"),
    "a quoted base": _text('^FROM (--\\S+ )?"'),
    "a base in its long form": _text("^FROM (--\\S+ )?(docker.io/)?library/"),
    "a platform by $BUILDPLATFORM": _flag("FROM", r"--platform=\$BUILDPLATFORM"),
    "a platform by $TARGETPLATFORM": _flag("FROM", r"--platform=\$TARGETPLATFORM"),
    "a platform by its processor": _flag("FROM", "--platform=amd64"),
    "a fixed platform": _flag("FROM", "--platform=linux/arm64"),
    "a base with a configuration": _text("^FROM (--\\S+ )?node:20\\b"),
    "a base with triggers": _text("^FROM (--\\S+ )?node:20-onbuild"),
    "a target": lambda case: bool(case.target),
    "another platform": lambda case: case.platform != "linux/amd64",
    "labels": lambda case: bool(case.labels),
    "a network": lambda case: bool(case.network),
    "a named context of files": lambda case: "more" in case.named.values(),
    "a named context that is an image": lambda case: any("docker-image" in value for value in case.named.values()),
    "a named context in the place of a stage": lambda case: bool({"one", "two", "three"} & case.named.keys()),
    "a named context in the place of an image": lambda case: "golang:1.20" in case.named,
    "a named context that is passed over": lambda case: bool({"context", "scratch"} & case.named.keys()),
}
_VARIABLES: dict[str, Seen] = {
    **{
        f"${{A{form}}}": _text(rf"\$\{{\w+{re.escape(form)}")
        for form in (":-", "-", ":+", "+", ":?", "?", "#", "##", "%", "%%", "/", "//")
    },
    "a variable in a variable": _text(r"\$\{\w+[:+-]+\$\{"),
    "an escaped variable": _text(r"\\\$"),
    "two dollars": _text(r"\$\$"),
    "a position": _text(r"\$[1@]"),
    "what no shell knows": _text(r"\$\{\w+(:=|:0)"),
    "a pattern with escapes": _text(r"\$\{\w+/+\\"),
    "single quotes": _text(r"'\$"),
    "double quotes": _text(r'"\$'),
    "letters beyond ASCII": _text("é"),
    "a global ARG": _text(r"\A(?:#.*\n)*ARG A="),
    "an ARG without a value": _text("^ARG A$"),
    "several ARGs in one": _text("^ARG A B=2"),
    "ARG with a flag": _text("^ARG --"),
    "ENV of several": _text(r"^ENV \w+=\S* \w+="),
    "ENV in the old form": _text("^ENV A some"),
    "ENV by a variable name": _text(r"^ENV \$A="),
    "ENV of PATH": _text("^ENV PATH="),
    "LABEL in the old form": _text("^LABEL a some"),
    "TARGETARCH and its like": _text("TARGET(ARCH|PLATFORM|OS|VARIANT)"),
    "TARGETSTAGE": _text("TARGETSTAGE"),
    "BUILDPLATFORM and its like": _text("BUILD(PLATFORM|OS)"),
    "a proxy": _text("ARG (HTTPS_PROXY|HTTP_PROXY|no_proxy)"),
    "build arguments": lambda case: "A" in case.args,
    **{
        f"the argument {name}": lambda case, name=name: name in case.args  # type: ignore[misc]
        for name in (
            *("BUILDKIT_CACHE_MOUNT_NS", "BUILDKIT_SANDBOX_HOSTNAME", "BUILDKIT_DOCKERFILE_CHECK", "SOURCE_DATE_EPOCH"),
            *("BUILDKIT_CONTEXT_KEEP_GIT_DIR", "BUILDKIT_SBOM_SCAN_STAGE", "BUILDKIT_SBOM_SCAN_CONTEXT"),
        )
    },
}
_COPIES: dict[str, Seen] = {
    **{f"COPY {flag}": _flag("COPY", flag) for flag in ("--link", "--parents", "--chown=", "--chmod=", "--exclude=")},
    **{f"ADD {flag}": _flag("ADD", flag) for flag in ("--link", "--chown=", "--chmod=", "--exclude=", "--unpack")},
    **{f"COPY {flag}": _flag("COPY", flag) for flag in ("--link=false", "--parents=false", "--chmod=u", "-- ")},
    "COPY --from a stage": _flag("COPY", "--from=one"),
    "COPY --from a number": _flag("COPY", "--from=0"),
    "COPY --from a number with a sign": _flag("COPY", r"--from=\+0"),
    "COPY --from a number beyond": _flag("COPY", "--from=3"),
    "COPY --from in capitals": _flag("COPY", "--from=ONE"),
    "COPY --from in quotes": _flag("COPY", '--from="one"'),
    "COPY --from an image": _flag("COPY", "--from=ubuntu"),
    "COPY --from a context": _flag("COPY", "--from=extra"),
    "several flags --exclude": _flag("COPY", r"--exclude=\S+ .*--exclude="),
    "an exception of --exclude": _flag("COPY", "--exclude=!"),
    "a pivot of --parents": _text(r"--parents .*/\./"),
    "two stars of --parents": _text(r"--parents .*\*\*"),
    "a wildcard": _flag("COPY", r"\S*\*"),
    "a class": _flag("COPY", r"\[(ab|a-c|!|\^)"),
    "an escaped wildcard": _flag("COPY", r"\S*\\\S*[*\[]"),
    "the whole context": _flag("COPY", r"\. "),
    "a source above the context": _flag("COPY", r"\.\./?\S* "),
    "a source by a variable": _flag("COPY", r"\$A "),
    "a source with a drive": _flag("COPY", "C:/"),
    "a folder with a dot at its end": _flag("COPY", r"\S+/\. "),
    "ADD of a file": _flag("ADD", "a "),
    "a link": lambda case: any(file.kind == LINK for file in case.files.values()),
    "a program": lambda case: any(file.kind == EXECUTABLE for file in case.files.values()),
    "a name with a bracket": lambda case: any("[x]" in path for path in case.files),
    "a name with a backslash": lambda case: any("\\" in path for path in case.files),
    "a name beyond ASCII": lambda case: any(not path.isascii() for path in case.files),
    "an ignore file": lambda case: "ctx/.dockerignore" in case.files,
    "an ignore file of a named context": lambda case: "more/.dockerignore" in case.files,
}
_ALONE: dict[str, Seen] = {
    "ADD of an address": _flag("ADD", "https?://"),
    "ADD of a repository": _flag("ADD", r"https://\S*\.git"),
    "ADD of a repository's folder": _flag("ADD", r"\S*\.git#\w*:"),
    "ADD of a repository by ssh": _flag("ADD", "(git@h:|ssh://)"),
    "ADD of a repository by a query": _flag("ADD", r"\S*\.git\?"),
    "ADD of a commit": _flag("ADD", r"\S*\.git#1{40}"),
    "ADD by a variable": _flag("ADD", r"(https://)?\$[A{]\S*//|https://\$A"),
    "ADD --checksum": _flag("ADD", "--checksum=sha256"),
    "ADD --checksum of a commit": _flag("ADD", "--checksum=1{40}"),
    "ADD --keep-git-dir": _flag("ADD", "--keep-git-dir"),
    "Windows": lambda case: case.platform.startswith("windows"),
    "RUN --security": _flag("RUN", "--security=insecure"),
    "RUN --device": _flag("RUN", "--device="),
}
_RUNS: dict[str, Seen] = {
    **{f"a mount of {type_}": _mount(f"type={type_}") for type_ in ("bind", "cache", "tmpfs", "secret", "ssh", "BIND")},
    **{
        f"a mount's {key}": _mount(rf"\b{key}" if key.endswith("=") else rf"\b{key}\b")
        for key in (
            *(
                "source=",
                "src=",
                "target=",
                "dst=",
                "destination=",
                "from=",
                "ro",
                "rw",
                "readonly=",
                "readwrite",
                "id=",
            ),
            *("sharing=private", "sharing=locked", "size=", "mode=", "uid=", "gid=", "env=", "required"),
        )
    },
    "a mount of the whole context": _mount(r"target=/m\b(?!\S*source)"),
    "a mount by a variable": _mount(r"=\$"),
    "a mount in quotes": _text("--mount='\""),
    "a cache that starts from files": _mount("type=cache,.*from="),
    "RUN in the shell form": _text(r"^RUN (--\S+ )*[a-z]"),
    "RUN in the JSON form": _text(r'^RUN (--\S+ )*\["'),
    "RUN of nothing but a here-document": _text(r"^RUN (--\S+ )*<<\S+$"),
    "RUN --": _text(r"^RUN (--\S+ )*-- "),
}
_SETTINGS: dict[str, Seen] = {
    "WORKDIR": _text("^WORKDIR /w"),
    "WORKDIR that is relative": _text("^WORKDIR (rel|\\.)"),
    "WORKDIR of the root": _text("^WORKDIR /$"),
    "USER": _text("^USER "),
    "SHELL": _text("^SHELL "),
    "CMD in both forms": _text(r"^CMD (\[|echo)"),
    "CMD of nothing": _text(r"^CMD( \[\])?$"),
    "ENTRYPOINT": _text("^ENTRYPOINT "),
    "HEALTHCHECK": _text("^HEALTHCHECK .*CMD"),
    "HEALTHCHECK NONE": _text("(?i)^HEALTHCHECK NONE"),
    "HEALTHCHECK with all its flags": _text("^HEALTHCHECK .*--start-interval"),
    "EXPOSE": _text("^EXPOSE 80"),
    "EXPOSE of a range": _text("^EXPOSE 8000-"),
    "EXPOSE of a protocol": _text("^EXPOSE .*/UDP"),
    "VOLUME": _text("^VOLUME /v"),
    "VOLUME in the JSON form": _text("^VOLUME \\["),
    "STOPSIGNAL": _text("^STOPSIGNAL "),
    "MAINTAINER": _text("^MAINTAINER "),
    "LABEL": _text("^LABEL "),
    **{
        f"ONBUILD {keyword}": _text(f"(?i)^ONBUILD +{keyword}")
        for keyword in ("COPY", "RUN", "ARG", "ADD", "ENV", "WORKDIR")
    },
    "ONBUILD that reads a stage": _text("^ONBUILD .*from="),
}
FEATURES = (
    *(
        Feature(says=says, seen=seen)
        for group in (_PARSER, _STAGES, _VARIABLES, _COPIES, _RUNS, _SETTINGS)
        for says, seen in group.items()
    ),
    *(Feature(says=says, seen=seen, alone=True) for says, seen in _ALONE.items()),
)
