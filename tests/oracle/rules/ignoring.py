"""Rules of ignore files: which one applies, and what its patterns take out."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle.rules.rule import Rule, case, counts, counts_not, link

WHICH = "frontend/dockerui/config.go:409-415,529-575"
NAMED = "frontend/dockerui/namedcontext.go:226-270"
PATTERNS = "github.com/moby/patternmatcher v0.6.1 patternmatcher.go, ignorefile/ignorefile.go"
ALL = "FROM scratch\nCOPY . /"


def which() -> Iterator[Rule]:
    """Which ignore file applies."""
    both = case(ALL, {".dockerignore": "a\n", "Dockerfile.dockerignore": "b\n", "a": "1", "b": "1", "c": "1"})
    yield counts("a Dockerfile's own ignore file wins", WHICH, both, {"a": "2"})
    yield counts_not("a Dockerfile's own ignore file is read", WHICH, both, {"b": "2"})
    alone = {"lib/a": "1", "lib/b": "1", "Dockerfile.dockerignore": "lib/b\n", ".dockerignore": "lib/a\n"}
    lib = case("FROM scratch\nCOPY lib /", alone)
    yield counts_not("the other ignore file is not read then, nor merged", WHICH, lib, {".dockerignore": "lib\n"})
    empty = case("FROM scratch\nCOPY lib /", {**alone, "Dockerfile.dockerignore": ""})
    yield counts(
        "an empty one ignores nothing",
        f"{WHICH} (tests for nil, which the frontend within BuildKit never sees)",
        empty,
        {"lib/a": "2"},
    )
    comment = case("FROM scratch\nCOPY lib /", {**alone, "Dockerfile.dockerignore": "# none\n"})
    yield counts("one of comments ignores nothing", WHICH, comment, {"lib/a": "2"})
    elsewhere = case(
        "FROM scratch\nCOPY lib /",
        {"lib/a": "1", "lib/b": "1", "/docker/x.Dockerfile.dockerignore": "lib/a\n"},
        dockerfile="docker/x.Dockerfile",
    )
    yield counts_not("it stands beside the Dockerfile, wherever that is", WHICH, elsewhere, {"lib/a": "2"})
    linked = case(
        "FROM scratch\nCOPY lib /", {"lib/a": "1", "lib/b": "1", ".dockerignore": link("rules"), "rules": "lib/a\n"}
    )
    yield counts_not("a link to it is followed", f"{WHICH} (FollowPaths)", linked, {"lib/a": "2"})
    yield counts("what the link leads to is what counts", f"{WHICH} (FollowPaths)", linked, {"rules": "lib/b\n"})
    lost = case("FROM scratch\nCOPY lib /", {"lib/a": "1", ".dockerignore": link("nowhere")})
    yield counts("a link that leads to nothing is none", f"{WHICH} (errors are let pass)", lost, {"lib/a": "2"})
    folder = case(
        "FROM scratch\nCOPY lib /",
        {"lib/a": "1", "lib/b": "1", "/docker/Dockerfile.dockerignore/x": "", ".dockerignore": "lib/a\n"},
        dockerfile="docker/Dockerfile",
    )
    yield counts_not("a folder in its place is none", f"{WHICH} (errors are let pass)", folder, {"lib/a": "2"})
    named = case(
        "FROM scratch\nCOPY --from=extra . /",
        {"/more/a": "1", "/more/b": "1", "/more/.dockerignore": "a\n", ".dockerignore": "b\n"},
        named={"extra": "more"},
    )
    yield counts_not("a named context has its own", NAMED, named, {"/more/a": "2"})
    yield counts("that of the build context is not for named ones", NAMED, named, {"/more/b": "2"})


def patterns() -> Iterator[Rule]:
    """What patterns take out."""

    def ignored(rules: str, path: str, says: str) -> Rule:
        before = case(
            "FROM scratch\nCOPY x /", {".dockerignore": rules, f"x/{path}": "1", "x/deep/a": "1", "x/other": "1"}
        )
        return counts_not(says, PATTERNS, before, {f"x/{path}": "2"})

    def kept(rules: str, path: str, says: str) -> Rule:
        before = case("FROM scratch\nCOPY x /", {".dockerignore": rules, f"x/{path}": "1", "x/other": "1"})
        return counts(says, PATTERNS, before, {f"x/{path}": "2"})

    yield ignored("x/a\n", "a", "a path is ignored")
    yield ignored("x/deep\n", "deep/er/a", "all below an ignored folder is")
    yield ignored("/x/a\n", "a", "a slash at the beginning means nothing")
    yield kept("a\n", "a", "a name matches at the root only")
    yield ignored("**/a\n", "deep/a", "two stars match folders, none too")
    yield ignored("**/a\n", "a", "two stars match one folder")
    yield kept("*/deep/a\n", "deep/er/a", "one star matches no slash")
    yield ignored("x/a  \n", "a", "white space at the end of a line is cut off")
    yield ignored("  x/a\n", "a", "white space at its beginning too")
    yield kept("#x/a\n", "a", "a line of # is a comment")
    yield kept("x/a\n!x/a\n", "a", "! takes back")
    yield ignored("!x/a\nx/a\n", "a", "the last line that matches decides")
    yield kept("x\n!x/deep/a\n", "deep/a", "! takes back below an ignored folder")
    yield ignored("x\n!x/deep/a\n", "deep/b", "only that")
    yield kept("x/deep\n!x/deep\n", "deep/a", "! of a folder takes all below it back")
    yield kept("! x/a\nx\n!x/a\n", "a", "white space after ! is cut off")
    yield ignored("x/[a-c]\n", "b", "a class of characters matches one of them")
    yield ignored("x/?\n", "b", "a question mark matches one character")
    yield ignored("x/./y/../a\n", "a", "a path is made clean first")
    yield ignored("\ufeffx/a\n", "a", "a byte order mark at the beginning means nothing")
    yield ignored("x/a\r\n", "a", "lines may end as on Windows")
    away = case("FROM scratch\nCOPY x /", {".dockerignore": "x/a\n", "x/a": "1", "x/b": "1"})
    yield counts_not(
        "an edit of the file that leaves the same files in changes nothing", PATTERNS, away, {".dockerignore": "x/a*\n"}
    )
    yield counts_not(
        "the ignore file itself counts where it is copied only", PATTERNS, away, {".dockerignore": "x/a\n# note\n"}
    )


def rules() -> Iterator[Rule]:
    yield from which()
    yield from patterns()
    yield from escaped()


def escaped() -> Iterator[Rule]:
    """Letters behind a backslash, which Go's regular expressions read."""
    tree = dict.fromkeys(("ab", "a-b", "a1", "ad", "ax", "a b", "z"), "1")
    for pattern, out, left in (
        ("a\\d", "a1", "ad"),
        ("a\\D", "ad", "a1"),
        ("a\\w", "ax", "a b"),
        ("a\\W*", "a-b", "ab"),
        ("a*\\bb", "a-b", "ab"),
        ("a\\B*", "ab", "a-b"),
        ("a\\sb", "a b", "a-b"),
        ("\\Aa?\\z", "ab", "a-b"),
    ):
        ignored = case(ALL, {**tree, ".dockerignore": f"{pattern}\n"})
        yield counts_not(f"{pattern} leaves {out} out", PATTERNS, ignored, {out: "2"})
        yield counts(f"{pattern} leaves {left}", PATTERNS, ignored, {left: "2"})
    excluded = case("FROM scratch\nCOPY --exclude=a\\\\d . /x", tree)
    yield counts_not("--exclude=a\\d leaves a1 out", PATTERNS, excluded, {"a1": "2"})
    yield counts("--exclude=a\\d leaves ad", PATTERNS, excluded, {"ad": "2"})
