"""What BuildKit v0.32.2 reads and few Dockerfiles have: rare instructions, flags, mounts, spellings and arguments.

Each list is made from a file of its frontend, named beside it. The grammar draws from them now and then.
"""

from __future__ import annotations

import random

Rng = random.Random

RARE = 0.08
"""How often the grammar takes something from here where it could."""

SEVERAL_PLATFORMS = ("linux/arm64", "linux/arm64", "linux/arm/v7", "linux/amd64/v2", "windows/amd64")

OWN_ARGUMENTS = {
    "BUILDKIT_CACHE_MOUNT_NS": ("x", "y"),
    "BUILDKIT_SANDBOX_HOSTNAME": ("x", "y"),
    "BUILDKIT_DOCKERFILE_CHECK": ("skip=all", "error=false"),
    "BUILDKIT_CONTEXT_KEEP_GIT_DIR": ("1", "0"),
    "BUILDKIT_SBOM_SCAN_STAGE": ("true", "one"),
    "BUILDKIT_SBOM_SCAN_CONTEXT": ("true",),
    "SOURCE_DATE_EPOCH": ("1", "0100", "946684800", ""),
}
"""dockerui/config.go, dockerfile2llb/convert.go: arguments that BuildKit reads whether an ARG declares them or not."""

NAMED = ("context", "scratch", "three", "node:20")
"""dockerui/namedcontext.go: names that are passed over, and those that take a stage's or an image's place."""

FILE_NAMES = ("[x]", "a*b", "$A", "-f", "!a", "#c", "a\\b", "é", "x:y", "a,b", "'q'", "...")

SOURCES = (
    *("./a", "//a", "a/", "*/", "**", "src/**", "[!a]*", "[^a]*", "[a-c]*", "\\[x]", "[[]x]", "\\\\[x\\\\]", "a\\*b"),
    *(
        "src//b.c",
        "src/deep/../../a",
        "$A$B",
        "${A:+a}",
        "\\$A",
        '"a"',
        "'src'",
        "a\\ b",
        "{a,b}",
        "?.txt",
        "é",
        "src/.",
    ),
    *(
        "..",
        "../..",
        "src/./deep",
        "/src/../lib/",
        "*/*/a",
        "\\a",
        "a?b",
        "-f",
        "...",
        "C:/src",
        ".\\src\\*",
        "lin*",
        "link/",
        "lib/link/.",
    ),
)
"""dockerfile2llb/convert_copy.go, shell/lex.go."""

DESTINATIONS = ("..", ".", "x//y/", "/x/.", "/x/../y/", '"/q r/"', "$A", "${B:-/z}/", "/x/\\$A", "é/")

COPY_FLAGS = (
    *(
        "--link=false",
        "--link=true",
        "--link=TRUE",
        "--chmod=0755",
        "--chmod=u=rwX,go=rX",
        "--chmod=a+x",
        "--chmod=4755",
    ),
    *(
        '--chown="1:1"',
        "--chown=$A:$B",
        "--chown=:1",
        "--exclude='a'",
        "--exclude=**",
        "--exclude=src/",
        "--exclude=./a",
    ),
    *("--exclude=!a", "--exclude=/a", "--exclude=\\*", "--exclude=src/**/a", "--exclude=", "--", "--chmod="),
)
"""instructions/parse.go, bflag.go."""

ONLY_COPY_FLAGS = (
    "--parents=false",
    "--parents=true",
    '--from="one"',
    "--from=ONE",
    "--from=+0",
    "--from=00",
    "--from=3",
)
ONLY_ADD_FLAGS = ("--unpack=false", "--unpack", "--keep-git-dir", "--keep-git-dir=false", "--checksum=")

REMOTES = (
    *(
        "https://example.com/",
        "https://example.com",
        "http://example.com/a?b=$A",
        "https://$A/f",
        "HTTPS://example.com/f",
    ),
    *(
        "https://github.com/a/b.git",
        "https://github.com/a/b.git#v1:src",
        "https://github.com/a/b.git#:src",
        "git@h:a/b.git",
    ),
    *("git://h/a/b", "ssh://git@h/a/b.git#main", "https://h/a.git?ref=v1", "https://h/a.git?subdir=x&tag=v1", "git@h"),
    *(
        f"https://h/a.git?commit={'1' * 40}",
        f"https://h/a.git#{'1' * 40}:x",
        f"https://h/a.git#{'1' * 39}",
        "github.com/a/b",
    ),
    *(f"https://h/a.git?checksum={'1' * 40}", "https://h/a.git?keep-git-dir=1", "https://h/a.git?submodules=false#v1"),
    *(f"https://h/a.git?ref=v1&checksum={'1' * 40}", "https://h/a.git?unknown=1", "$A://h/f", "${B:-https}://h/f"),
)
"""dfgitutil/git_ref.go."""

CHECKSUMS = (f"sha256:{'1' * 64}", "1" * 40, f"${{NONE:-{'1' * 40}}}", f"${{B:-sha256:{'2' * 64}}}", "2" * 7)

MOUNTS = (
    *("type=BIND,source=src,target=/m", "type=bind,src=src,dst=/m,readonly=false", "src=lib,destination=/m,rw=true"),
    *("target=/m,readwrite", "target=/m,ro=true,source=a", "target=m/../n,source=./src/../lib", "target=/m,source=$A"),
    *(
        "type=bind,target=/m,source=src,from=ONE",
        "from=0,target=/m",
        "from=scratch,target=/m",
        "target=/m,from=one,src=/",
    ),
    *(
        "type=cache,target=/c,sharing=private,gid=3,mode=0755,uid=4",
        "type=cache,target=/c/,id=$A",
        "type=cache,target=c",
    ),
    *(
        "type=cache,target=/c,from=one,source=/x",
        "type=cache,target=/c,ro",
        "type=cache,dst=/c,sharing=LOCKED,source=/y",
    ),
    *(
        "type=cache,id=i,target=/c,from=extra,source=src",
        "type=tmpfs,target=/t,size=1m",
        "type=tmpfs,target=/t,size=$A",
    ),
    *(
        "type=secret,id=s,target=/s,mode=0400,uid=1,gid=2",
        "type=secret,target=/run/s",
        "type=secret,src=s,required=false",
    ),
    *(
        "type=secret,id=$A,env=S,target=/s",
        "type=secret,id=s,required=true",
        "type=ssh,id=k",
        "type=ssh,target=/k,mode=0600",
    ),
    *(
        "type=ssh,required=true,uid=1",
        "type=$A,target=/m",
        "type=${B:-cache},target=/c",
        "source=src,target=/m,source=lib",
    ),
    *('\'"type=bind","source=src",target=/m\'', "target=/m,source=missing", "required,type=secret,id=s", "type=bind"),
)
"""instructions/commands_runmount.go, dockerfile2llb/convert_runmount.go, convert_secrets.go, convert_ssh.go."""

RUN_FLAGS = (
    *("--security=sandbox", "--security=insecure", "--device=vendor.com/d=x", "--device=vendor.com/d=x,required"),
    *("--network=default", "--", "--device=name=vendor.com/d"),
)
"""instructions/commands_runsecurity.go, commands_rundevice.go, commands_runnetwork.go."""

COMMANDS = (
    *('["echo", "\\u0041", "$A"]', "['echo', 'a']", '[ "echo" ]', "[]", '["echo"', "echo a # b", "echo 'a  b'  \"$A\""),
    *("cat <<A <<B\n1\nA\n2\nB", "3<<E cat /dev/fd/3\n$A\nE", "<<'E'\n#!/bin/sh\n$A\nE", "<<-E\n\ta\n\t\tb\n\tE"),
    *("cat <<-E\n\ta\n\tE", "<<E cat\n$A\nE", "<< E\na\nE", 'cat <<"E" >/x\n$A\\\n# c\nE', 'echo "<<E"', "<<E\n\nE"),
    *(
        "echo $(($A<<2))",
        "<<E.1\na\nE.1",
        "<<E\n  #!/bin/sh\na\nE",
        "<<E || true\nfalse\nE",
        "echo a\\ b \\$A",
        "echo `ls`",
    ),
)
"""parser/parser.go, dockerfile2llb/convert.go (dispatchRun)."""

HEREDOCS = (
    *("<<A <<B /x/\n1 $A\nA\n2\nB", "a <<B /x/\n${A:-b}\nB", "3<<E /x/\na\nE", "<<'E' <<-F /x/\n$A\nE\n\t$A\n\tF"),
    *("<<E /x/\n\\$A $$ \"$A\" '${A}' \\\\\nE", "<<E E2 /x/\na\nE", "<<E <<E /x/\n1\nE\n2\nE", '<<"a b" /x/\n1\na b'),
    *("<<E /x/\n#c\n\\\nE", '["<<E", "/x/"]', "<<$A /x/\n1\n$A", "<<E /x/\n${A#s} ${A:?}\nE"),
)

VALUES = (
    *(
        "${{{}-z}}",
        "${{{}+z}}",
        "${{{}:?no}}",
        "${{{}?no}}",
        "${{{}##s*}}",
        "${{{}%c}}",
        "${{{}//s/t}}",
        "${{{}:-${{B}}}}",
    ),
    *(
        "${{{}%%*.c}}",
        "${{{}/#s/t}}",
        "${{{}/s*/$0}}",
        "${{{}//?/\\/}}",
        "\\${}",
        "$${}",
        '"\\"${}"',
        "'\\'${}",
        "a\\ ${}",
    ),
    *(
        "${{{}:+${{B:-c}}}}",
        "$1{}",
        "$@{}",
        "é${}",
        "${{{}:-a b}}",
        "`${}`",
        "${{{}:=z}}",
        "${{{}:0:1}}",
        "${{{}/\\*/\\?}}",
    ),
)
"""shell/lex.go."""

SETTINGS = (
    *(
        "ENV A some  words",
        "ENV A $B  x",
        "ENV A=\"a b\" B='c $A' C=d\\ e",
        "ENV $A=1 B=2",
        "ENV 'A'=x",
        "ENV A=",
        "ENV A=1 A=2",
    ),
    *("ENV A=$A:x B=$A", "ENV PATH=/x:$PATH", 'ENV A="${B:-a b}"', "ENV A=a#b", "ENV A='a'\"b\"c", "ENV A=b=c"),
    *(
        "LABEL a some words",
        'LABEL "a.b"="x y" c=$A',
        "LABEL a=1 a=2",
        "LABEL $A=1",
        "LABEL a='$A'",
        'LABEL a="b\\\\c"',
    ),
    *(
        "ARG A B=2 C",
        'ARG A="x y"',
        "ARG A=$A",
        "ARG --x A",
        "ARG A=1 B=$A",
        "ARG TARGETOS TARGETVARIANT",
        "ARG BUILDOS",
    ),
    *("ARG SOURCE_DATE_EPOCH", "ARG BUILDKIT_SBOM_SCAN_STAGE=true", "ARG BUILDKIT_CACHE_MOUNT_NS", "ARG HTTPS_PROXY=x"),
    *("EXPOSE 80/tcp 443/UDP", "EXPOSE 443/udp 80/tcp", "EXPOSE 8000-8002", "EXPOSE $A/tcp 90", "EXPOSE 80 80/tcp"),
    *(
        "EXPOSE 1:2",
        "EXPOSE 127.0.0.1:80:81",
        'EXPOSE "80"',
        "EXPOSE ${A:-80 81}",
        'VOLUME ["/v", "/w"]',
        "VOLUME /v /w",
    ),
    *('VOLUME ["$A"]', "VOLUME /v,/w", "STOPSIGNAL 9", "STOPSIGNAL $A", "STOPSIGNAL SIGRTMIN+1", "STOPSIGNAL term"),
    *("USER $A", "USER 1:$B", 'USER "nobody"', "USER a b", "USER ${A:-0}", "MAINTAINER a $A", "MAINTAINER  a   b"),
    *(
        "WORKDIR a b",
        'WORKDIR "q r"',
        "WORKDIR ..",
        "WORKDIR ${A:?x}",
        "WORKDIR $A/$B",
        "WORKDIR /a/./b//",
        "WORKDIR \\$A",
    ),
    *("WORKDIR .", "WORKDIR ''", "WORKDIR /é", "WORKDIR ~", "WORKDIR C:\\x", 'WORKDIR ["a"]'),
    *(
        'SHELL ["/bin/sh", "-o", "pipefail", "-c"]',
        'SHELL ["none"]',
        'SHELL ["$A"]',
        'SHELL ["a b", "c"]',
        'SHELL ["a", "b c"]',
    ),
    *("CMD []", "CMD", "ENTRYPOINT []", "CMD ['a']", "CMD a  b $A", 'CMD ["a"', "ENTRYPOINT a # b", 'CMD ["a", "$A"]'),
    *(
        "HEALTHCHECK --interval=1m --timeout=3s --start-period=5s --start-interval=1s --retries=3 CMD curl $A",
        "HEALTHCHECK none",
    ),
    *(
        'HEALTHCHECK CMD ["curl", "$A"]',
        "HEALTHCHECK --retries=0 CMD a",
        "HEALTHCHECK --interval=60s CMD a",
        "healthcheck cmd a",
    ),
    *("HEALTHCHECK --interval=0s CMD a", "HEALTHCHECK --interval=1m0s CMD a", "HEALTHCHECK --timeout=1.5s CMD a  b"),
)
"""instructions/parse.go, dockerfile2llb/convert.go, convert_expose.go."""

TRIGGERS = (
    *(
        "ENV A=$B",
        "WORKDIR /o",
        "USER 2",
        "LABEL o=$A",
        'CMD ["o"]',
        'SHELL ["sh", "-c"]',
        "EXPOSE 1",
        "HEALTHCHECK NONE",
    ),
    *("ADD a /o/", "VOLUME /o", "ENTRYPOINT o", "STOPSIGNAL 9", "COPY --from=one / /o/", "RUN --mount=target=/m ls /m"),
    *(
        "COPY <<E /o\n$A\nE",
        "RUN <<E\nls $A\nE",
        "copy a  /o/",
        "  RUN  ls  $A ",
        "COPY --from=python:3.11-alpine /etc /o/",
    ),
    *("ARG A=$B", "ARG A B", "COPY $A* /o/", "RUN --mount=from=one,target=/m ls", "ADD https://example.com/o /o"),
)

HEADS = (
    "#escape=`",
    "# Escape = `",
    "  # escape=`",
    "#!/bin/sh\n# escape=`",
    "\n# escape=`",
    "# check=error=false\n# escape=`",
    "# words\n# syntax=docker/dockerfile:1",
    "# unknown=1\n# escape=`",
    "# escape=\\",
    "#",
    "//# escape=`",
)
"""parser/directives.go. `escape` of a head says which of them are in force."""


def escape(head: str) -> str:
    """The escape character after a head."""
    return "`" if head in ("#escape=`", "# Escape = `", "  # escape=`", "# check=error=false\n# escape=`") else "\\"


def respelled(rng: Rng, text: str, mark: str) -> str:
    """An instruction of one line in another spelling: case, blanks, continuations, comments and empty lines in it."""
    first, _, rest = text.partition(" ")
    middle = rest.find(" ") + 1
    ways = (
        f"{first.capitalize()} {rest}",
        f"{first}\t{rest}\t",
        f"{first} {mark}\n\n  # c\n{mark}\n {rest}",
        f"{first} {mark} \t\n{rest}",
        f"{first[:2]}{mark}\n{first[2:]} {rest}",
        f"{first} {rest[:middle]}{mark}\n    {rest[middle:]}",
        f"{first} {rest[:middle]}{mark}\n# c {mark}\n# d\n{rest[middle:]}",
        f"{first} {rest}{mark}\n",
        f"{first} {rest}{mark}{mark}",
        f"\u00a0{first} {rest}",
        f"{first}\u00a0{rest}",
    )
    return rng.choice(ways)


def replaced(rng: Rng, text: str) -> str | None:
    """One flag, mount or keyword in another spelling of the same or of almost the same meaning; None without one."""
    found = [(old, new) for old, new in SPELLINGS if old in text]
    if not found:
        return None
    old, new = rng.choice(found)
    return text.replace(old, new, 1)


_PAIRS = (
    *(
        ("--link", "--link=true"),
        ("--parents", "--parents=true"),
        ("source=", "src="),
        ("target=", "dst="),
        (" AS ", " as "),
    ),
    *(
        (",rw", ",readwrite"),
        (",ro", ",readonly=true"),
        ("type=bind,", ""),
        ("$A", "${A}"),
        ("/x/", "/x//"),
        ("=1", '="1"'),
    ),
    *(
        ("src", "./src"),
        (" a ", ' "a" '),
        ("--exclude=", "--exclude=./"),
        (" /", " //"),
        ("${A:-z}", "${A-z}"),
        ("* ", "** "),
    ),
    *(("echo $A", "echo  $A"), ("=1", "='1'"), ('"', "'"), ("EOF", "END"), ("$", "\\$"), ("\\", "\\\\"), ("0", "00")),
)
SPELLINGS = (*_PAIRS, *((new, old) for old, new in _PAIRS if new))
