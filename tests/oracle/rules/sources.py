"""Rules of COPY and ADD: which files of the context they read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.oracle.case import Case
from tests.oracle.rules.rule import Rule, case, counts, counts_not, link, program

REFERENCE = "frontend/dockerfile/docs/reference.md"
COPY = "frontend/dockerfile/dockerfile2llb/convert_copy.go"
HASHED = "cache/contenthash/filehash.go:44-70, tarsum.go:28-76"
KEY = "solver/llbsolver/ops/file.go:55-176"
PINNED = "5" * 64
COMMIT = "a" * 40


def named() -> Iterator[Rule]:
    """Sources by name."""
    tree = {"a": "1", "b": "1", "lib/a": "1", "lib/deep/a": "1", "other": "1"}
    two = case("FROM scratch\nCOPY a b /x/", tree)
    yield counts("the first of several sources counts", f"{REFERENCE} COPY", two, {"a": "2"})
    yield counts("the last of several sources counts", f"{REFERENCE} COPY", two, {"b": "2"})
    yield counts_not("a file that no source names does not count", KEY, two, {"other": "2"})
    folder = case("FROM scratch\nCOPY lib /x/", tree)
    yield counts("a folder as source counts with all below it", KEY, folder, {"lib/deep/a": "2"})
    yield counts("a file that is new in a folder counts", KEY, folder, {"lib/new": "1"})
    yield counts("a file that is gone from a folder counts", KEY, folder, {"lib/deep/a": None})
    yield counts("a name counts where it is within a folder", HASHED, folder, {"lib/a": None, "lib/z": "1"})
    yield counts("the executable bit counts", HASHED, folder, {"lib/a": program("1")})
    yield counts("a link counts by its target's name", HASHED, _linked("lib/l", "one"), {"lib/l": link("two")})
    climbing = case("FROM scratch\nCOPY ../../lib /x/", tree)
    yield counts("a source cannot climb out of the context", f"{REFERENCE} COPY, Source", climbing, {"lib/a": "2"})
    rooted = case("FROM scratch\nCOPY /lib /x/", tree)
    yield counts("a source with a slash is of the context", f"{REFERENCE} COPY, Source", rooted, {"lib/a": "2"})
    json = case('FROM scratch\nCOPY ["a", "/x"]', tree)
    yield counts("the JSON form reads the same", f"{REFERENCE} COPY", json, {"a": "2"})
    unreached = case("FROM scratch AS early\nCOPY a /\nFROM scratch\nCOPY b /", tree)
    yield counts_not(
        "a stage that the target does not reach counts not",
        "frontend/dockerfile/dockerfile2llb/convert.go:588-617",
        unreached,
        {"a": "2"},
    )
    reached = case("FROM scratch AS early\nCOPY a /x\nFROM scratch\nCOPY --from=early /x /", tree)
    yield counts(
        "a stage that is copied from counts",
        "frontend/dockerfile/dockerfile2llb/convert.go:588-617",
        reached,
        {"a": "2"},
    )
    target = replace(unreached, target="early")
    yield counts(
        "the target is the stage that is asked for",
        "frontend/dockerfile/dockerfile2llb/convert.go:507-516",
        target,
        {"a": "2"},
    )
    yield counts_not(
        "stages behind the target count not",
        "frontend/dockerfile/dockerfile2llb/convert.go:507-516",
        target,
        {"b": "2"},
    )


def _linked(path: str, target: str) -> Case:
    return case("FROM scratch\nCOPY lib /x/", {"lib/one": "1", "lib/two": "1", path: link(target)})


def wildcards() -> Iterator[Rule]:
    """Sources by pattern."""
    tree = {"a.c": "1", "a.h": "1", "lib/b.c": "1", "lib/deep/c.c": "1"}
    star = case("FROM scratch\nCOPY *.c /x/", tree)
    source = f"{REFERENCE} COPY, Pattern matching"
    yield counts("a wildcard takes what it matches", source, star, {"a.c": "2"})
    yield counts("a wildcard takes what it matches from now on", source, star, {"z.c": "1"})
    yield counts_not("a wildcard leaves the rest", source, star, {"a.h": "2"})
    yield counts_not("a star matches no slash", source, star, {"lib/b.c": "2"})
    doubled = case("FROM scratch\nCOPY **/*.c /x/", tree)
    yield counts("two stars are one outside of --parents", source, doubled, {"lib/b.c": "2"})
    yield counts_not("two stars match one folder only there", source, doubled, {"lib/deep/c.c": "2"})
    classes = case("FROM scratch\nCOPY a.[a-d] /x/", tree)
    yield counts("a class matches one character", source, classes, {"a.c": "2"})
    yield counts_not("a class matches only its own", source, classes, {"a.h": "2"})
    escaped = case("FROM scratch\nCOPY a[[]0] /x/", {"a[0]": "1", "a0": "1"})
    yield counts("a bracket in a class is itself", source, escaped, {"a[0]": "2"})
    yield counts_not("a bracket in a class begins none", source, escaped, {"a0": "2"})


def links() -> Iterator[Rule]:
    """Sources that are links, or lie behind one."""
    tree = {"real/a": "1", "real/b": "1", "way": link("real"), "one": link("real/a")}
    source = f"{COPY} (FollowSymlink), solver/llbsolver/ops/file.go:221-232"
    direct = case("FROM scratch\nCOPY one /x", tree)
    yield counts("a link as source is followed", source, direct, {"real/a": "2"})
    yield counts_not("beside the target of a link nothing counts", source, direct, {"real/b": "2"})
    behind = case("FROM scratch\nCOPY way/a /x", tree)
    yield counts("a source behind a link is found", source, behind, {"real/a": "2"})
    folder = case("FROM scratch\nCOPY way /x", tree)
    yield counts("a link to a folder is that folder", source, folder, {"real/b": "2"})
    inside = case("FROM scratch\nCOPY lib /x", {"lib/l": link("../a"), "a": "1"})
    yield counts_not("a link within a folder is copied, not followed", source, inside, {"a": "2"})


def flags() -> Iterator[Rule]:
    """Flags of COPY."""
    tree = {"lib/a.c": "1", "lib/b.h": "1", "lib/deep/c.h": "1", "lib/deep/d.c": "1"}
    without = case("FROM scratch\nCOPY --exclude=*.h lib /x/", tree)
    source = f"{REFERENCE} COPY --exclude"
    yield counts_not("--exclude leaves files out", source, without, {"lib/b.h": "2"})
    yield counts("--exclude leaves the others in", source, without, {"lib/a.c": "2"})
    yield counts("--exclude matches from where the source begins", source, without, {"lib/deep/c.h": "2"})
    deep = case("FROM scratch\nCOPY --exclude=**/*.h --exclude=a.c lib /x/", tree)
    yield counts_not("--exclude takes two stars", source, deep, {"lib/deep/c.h": "2"})
    yield counts_not("--exclude may be given again", source, deep, {"lib/a.c": "2"})
    parents = case("FROM scratch\nCOPY --parents ./lib/./**/*.c /x/", tree)
    source = f"{REFERENCE} COPY --parents"
    yield counts("--parents takes two stars", source, parents, {"lib/deep/d.c": "2"})
    yield counts_not("--parents leaves what does not match", source, parents, {"lib/b.h": "2"})
    pivot = case("FROM scratch\nCOPY --parents lib/./deep /x/", tree)
    whole = case("FROM scratch\nCOPY --parents lib/deep /x/", tree)
    yield counts("the pivot of --parents decides what is kept of a path", source, pivot, whole)
    yield counts_not("--parents before the pivot takes no more than the path", source, pivot, {"lib/a.c": "2"})
    plain = case("FROM ubuntu:22.04\nCOPY lib /x/", tree)
    source = f"{COPY}:331"
    yield counts("--link counts", source, plain, case("FROM ubuntu:22.04\nCOPY --link lib /x/", tree))
    source = f"{REFERENCE} COPY --chmod"
    changed = case("FROM scratch\nCOPY --chmod=755 lib /x/", tree)
    yield counts("--chmod counts", source, changed, case("FROM scratch\nCOPY --chmod=700 lib /x/", tree))
    yield counts("the mode in the context counts even under --chmod", HASHED, changed, {"lib/a.c": program("1")})
    owned = case("FROM ubuntu:22.04\nCOPY --chown=1:1 lib /x/", tree)
    source = f"{REFERENCE} COPY --chown"
    yield counts("--chown counts", source, owned, case("FROM ubuntu:22.04\nCOPY --chown=2:2 lib /x/", tree))
    source = "solver/llbsolver/ops/file.go:282-303"
    by_name = case(
        "FROM scratch AS users\nCOPY passwd /etc/passwd\nCOPY --chown=me a /x", {"passwd": "me:x:7:7::/:/\n", "a": "1"}
    )
    yield counts("a name in --chown is looked up in the image", source, by_name, {"passwd": "me:x:8:8::/:/\n"})


def inline() -> Iterator[Rule]:
    """Here-documents, and what is fetched."""
    source = f"{REFERENCE} Here-Documents"
    text = "FROM scratch\nARG A=1\nCOPY <<{} /x\n{}\nE\n"
    plain = case(text.format("E", "is $A"))
    yield counts("the text of a here-document counts", source, plain, case(text.format("E", "was $A")))
    yield counts("variables count in a here-document", source, plain, replace(plain, args={"A": "2"}))
    copied = 'FROM scratch AS one\nARG A=1\nCOPY <<"E" /x\nis $A\nE\nFROM scratch\nCOPY --from=one /x /\n'
    quoted = case(copied)
    yield counts_not("variables count not in a quoted one", source, quoted, replace(quoted, args={"A": "2"}))
    run = case("FROM ubuntu:22.04\nRUN <<E\necho 1\nE\n")
    yield counts("the script of a here-document counts", source, run, case("FROM ubuntu:22.04\nRUN <<E\necho 2\nE\n"))


def added() -> Iterator[Rule]:
    """ADD."""
    source = f"{REFERENCE} ADD, Adding local tar archives"
    archive = case("FROM scratch\nADD a.tar /x/", {"a.tar": "1", "b.tar": "1"})
    yield counts("a local archive counts by its bytes", source, archive, {"a.tar": "2"})
    kept = case("FROM scratch\nADD --unpack=false a.tar /x/", {"a.tar": "1", "b.tar": "1"})
    yield counts("whether an archive is unpacked counts", f"{REFERENCE} ADD --unpack", archive, kept)
    source = f"{REFERENCE} ADD --checksum"
    text = "FROM scratch\nADD --checksum=sha256:{} https://files.example/a /x"
    pinned = case(text.format(PINNED))
    yield counts("the checksum of what is fetched counts", source, pinned, case(text.format("6" * 64)))
    other = case(text.format(PINNED).replace("files.example", "mirror.example"))
    yield counts("the address counts beside it", source, pinned, other)
    source = f"{REFERENCE} ADD, Adding files from a Git repository"
    text = "FROM scratch\nADD https://git.example/r.git{} /x"
    commit = case(text.format("#" + "a" * 40))
    yield counts("the commit of a repository counts", source, commit, case(text.format("#" + "b" * 40)))
    source = f"{REFERENCE} ADD --keep-git-dir"
    keeping = case("FROM scratch\nADD --keep-git-dir=true https://git.example/r.git#" + "a" * 40 + " /x")
    yield counts("whether .git is kept counts", source, commit, keeping)


def fetched() -> Iterator[Rule]:
    """What ADD fetches, and what holds it to one thing."""
    tree = {"a": "1", "other": "1"}
    git = "frontend/dockerfile/dfgitutil/git_ref.go:77-150"
    http = f"{COPY}:161-208"

    def add(words: str, **more: str) -> Case:
        return case(f"FROM scratch\nARG SUM\nADD {words} /x", {**tree, **more})

    def open_(says: str, source: str, words: str, **more: str) -> Rule:
        return counts_not(f"{says} holds it to nothing", source, add(words, **more), {"other": "2"})

    yield open_("a commit behind the address of a file", git, f"https://files.example/a.tgz#{COMMIT}")
    yield open_("a commit behind a host alone", git, f"https://files.git#{COMMIT}")
    yield open_("a checksum by an ARG without a value", http, "--checksum=$SUM https://files.example/a")
    yield open_("a checksum of quotes alone", http, '--checksum="" https://files.example/a')
    yield open_("a repository's checksum by an ARG without a value", http, "--checksum=$SUM https://git.example/r.git")
    yield open_("a repository's branch named as a commit's folder", git, f"https://git.example/r.git#main:{COMMIT}")
    yield open_("an address in capitals that names a branch", git, "HTTPS://git.example/r.git#main")
    scp = "bob@git.example:r.git#main"
    scp_is = "util/sshutil/scpurl.go:10"
    yield open_("a repository that ssh reaches as any user", scp_is, scp, **{scp: "1"})
    for name in ("commit", "ref", "checksum"):
        text = f"https://git.example/r.git?{name}="
        query = "frontend/dockerfile/dfgitutil/git_ref.go:152-204"
        says = f"a commit in a repository's address counts as its {name}"
        yield counts(says, query, add(text + COMMIT), add(text + "b" * 40))
    branch = add(f"https://git.example/r.git?branch=main&commit={COMMIT}")
    yield counts_not("a branch beside its commit may not move", git, branch, {"other": "2"})
    held = add(f"git@git.example:r.git?ref={COMMIT}")
    yield counts_not("a commit holds what ssh reaches", git, held, {"other": "2"})
    for flag in ("keep-git-dir", "link", "parents"):
        word = "COPY" if flag == "parents" else "ADD"
        read = f"https://git.example/r.git#{COMMIT}" if flag == "keep-git-dir" else "a"
        without = case(f"FROM scratch\n{word} {read} /x", tree)
        switched = case(f"FROM scratch\n{word} --{flag}=False {read} /x", tree)
        yield counts_not(f"--{flag}=false is as if it were not written", f"{COPY}:100-150", without, switched)
    for name in ("github.com/acme", f"github.com/acme#{COMMIT}", "git@a", "HTTPS:/files.example/a", "./git@a:b"):
        local = case(f"FROM scratch\nADD {name.replace(':/', '://')} /x", {f"{name}": "1", "other": "1"})
        yield counts(f"ADD {name} is of the context", git, local, {name: "2"})
        yield counts_not(f"beside ADD {name} nothing counts", git, local, {"other": "2"})


def rules() -> Iterator[Rule]:
    yield from named()
    yield from wildcards()
    yield from links()
    yield from flags()
    yield from inline()
    yield from added()
    yield from fetched()
