"""Cases that the oracle of tests/oracle found: each was a stale image, a needless rebuild or a wrong refusal once."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.digest.key import keys_of
from planner.errors import DefinitionError
from planner.local.disk_tree import DiskTree
from planner.model.image import Family, ImageName
from planner.sources.load import load
from tests.oracle.case import LINK, Case, File, Piece
from tests.oracle.ours import LOCK, NAME, Ours, image_of, ours, sent


def answer(root: Path, dockerfile: str, files: dict[str, str] | None = None, **more: Any) -> Ours:
    """The planner's answer for a Dockerfile in `ctx`; paths of `files` are relative to the workspace."""
    case = Case(
        files={path: File(text) for path, text in (files or {}).items()}, pieces=(Piece(0, dockerfile),), **more
    )
    case.write(root)
    return ours(case, root)


def key(root: Path, dockerfile: str, files: dict[str, str] | None = None, **more: Any) -> str:
    found = answer(root, dockerfile, files, **more)
    assert not found.refused
    assert not found.unsure
    return found.key


def test_from_a_folder_counts_its_files(tmp_path: Path) -> None:
    named = {"extra": "more"}
    keys = {key(tmp_path, "FROM extra", {"more/f": text}, named=named) for text in ("one", "two")}
    assert len(keys) == 2


def test_over_a_folder_lines_and_stage_names_count_as_they_are_written(tmp_path: Path) -> None:
    """A folder has no history: BuildKit names the last layer by its stage and line (`normalizeLayersAndHistory`)."""
    written = ("AS two\nCOPY a /", "AS two\nCOPY  a /", "AS three\nCOPY a /", "AS three\nUSER 1\nCOPY a /")
    files = {"more/f": "", "ctx/a": ""}
    keys = {key(tmp_path, f"FROM one {text}", files, named={"one": "more"}) for text in written}
    assert len(keys) == len(written)
    keys = {
        key(tmp_path, f"FROM one\n{line}\nCOPY a /", files, named={"one": "more"}) for line in ("USER 1", "USER  1")
    }
    for line in ("copy a /", " COPY a / ", "COPY \\\n# said\n a /"):
        keys.add(key(tmp_path, f"FROM one\nUSER 1\n{line}", files, named={"one": "more"}))
    assert len(keys) == 2, "what makes no layer is in no layer's name, nor is the case of a keyword"
    for early in ("FROM scratch {}", "FROM one AS first\nFROM scratch {}\nCOPY --from=first f /"):
        keys = {key(tmp_path, early.format(text), files, named={"one": "more"}) for text in written[:3]}
        assert len(keys) == 1


def test_a_folder_in_the_place_of_a_stage_counts_its_files(tmp_path: Path) -> None:
    named = {"one": "more"}
    keys = {key(tmp_path, "FROM scratch AS one", {"more/f": text}, named=named) for text in ("one", "two")}
    assert len(keys) == 2


def test_a_folder_whose_files_are_all_excluded_is_still_made(tmp_path: Path) -> None:
    """BuildKit makes the folder, empty; without it in the context the source would be missing."""
    dockerfile = "FROM scratch\nCOPY --exclude=*/b lib /x/"
    alone = key(tmp_path, dockerfile, {"ctx/lib/a": ""})
    assert key(tmp_path, dockerfile, {"ctx/lib/a": "", "ctx/lib/deep/b": ""}) != alone
    found = answer(tmp_path, "FROM scratch\nCOPY --exclude=b lib /x/", {"ctx/lib/b": ""})
    assert found.keys is not None
    main, _ = sent(found.keys, NAME, {}, tmp_path / "sent")
    assert [path.name for path in main.rglob("*")] == ["lib"]


def test_a_stage_that_only_names_another_does_not_count(tmp_path: Path) -> None:
    assert key(tmp_path, "FROM a AS one\nRUN x\nFROM one AS two") == key(tmp_path, "FROM a AS one\nRUN x")
    copies = "FROM scratch\nCOPY --from={} /x /"
    named = "FROM a AS one\nRUN x\nFROM one AS two\n"
    assert key(tmp_path, named + copies.format("two")) == key(tmp_path, named + copies.format("one"))
    assert key(tmp_path, named + "RUN y\n" + copies.format("two")) != key(tmp_path, named + copies.format("one"))


def test_a_source_that_is_no_pattern_is_refused_with_its_place(tmp_path: Path) -> None:
    found = answer(tmp_path, "FROM scratch\nCOPY [a /x/", {"ctx/a": ""})
    assert "ctx/Dockerfile:2" in found.refused
    assert "[a" in found.refused


def test_an_empty_argument_is_not_one_without_a_value(tmp_path: Path) -> None:
    """The history says `ARG A=` or `ARG A`, and only the first is environment."""
    assert key(tmp_path, "FROM scratch\nARG A") != key(tmp_path, "FROM scratch\nARG A", args={"A": ""})


FOLDER = {"more/src/f": "", "more/other": ""}


@pytest.mark.parametrize("name", ["one", "0", "two"])
def test_of_a_folder_in_the_place_of_a_stage_only_what_is_copied_counts(tmp_path: Path, name: str) -> None:
    named = {"one": "more"}
    dockerfile = f"FROM a AS one\nFROM one AS two\nFROM scratch\nCOPY --from={name} src /x/"
    keys = [
        key(tmp_path, dockerfile, {**FOLDER, path: "new"}, named=named)
        for path in ("more/src/f", "more/other", "other")
    ]
    assert keys[0] != keys[1] == keys[2]


@pytest.mark.parametrize("name", ["one", "0"])
def test_a_stage_that_goes_on_from_a_folder_has_more_than_its_files(tmp_path: Path, name: str) -> None:
    dockerfile = f"FROM extra AS one\nRUN make\nFROM scratch\nCOPY --from={name} made /x/"
    keys = {key(tmp_path, dockerfile, {"more/f": text}, named={"extra": "more"}) for text in ("a", "b")}
    assert len(keys) == 2


def test_the_place_of_an_onbuild_does_not_count(tmp_path: Path) -> None:
    assert key(tmp_path, "FROM a\nONBUILD RUN x\nENV A=1") == key(tmp_path, "FROM a\nENV A=1\nONBUILD RUN x")
    two = "FROM a\nONBUILD RUN x\nONBUILD RUN y"
    assert key(tmp_path, two) != key(tmp_path, "FROM a\nONBUILD RUN y\nONBUILD RUN x")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("WORKDIR /w/../v", "WORKDIR /v"),
        ("ONBUILD COPY a /x", "ONBUILD COPY a /x  "),
        ("ONBUILD COPY a /x", "ONBUILD copy a /x"),
    ],
)
def test_the_configuration_keeps_it_as_written(tmp_path: Path, one: str, other: str) -> None:
    assert key(tmp_path, f"FROM a\n{one}") != key(tmp_path, f"FROM a\n{other}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ONBUILD COPY a /x", "onbuild   COPY a /x"),
        ("ARG A=\nARG A\nRUN x", "ARG A=\nRUN x"),
        ("RUN x\nWORKDIR /", "RUN x"),
    ],
)
def test_a_stage_that_is_only_copied_from(tmp_path: Path, one: str, other: str) -> None:
    text = "FROM a\n{}\nFROM scratch\nCOPY --from=0 /x /"
    assert key(tmp_path, text.format(one)) == key(tmp_path, text.format(other))


def test_the_order_of_the_environment_counts_for_run(tmp_path: Path) -> None:
    """BuildKit hands the variables over in the order in which they were last set, and `env` shows it."""
    text = "FROM a\n{}\nRUN env > /x\nFROM scratch\nCOPY --from=0 /x /"
    keys = {key(tmp_path, text.format(two)) for two in ("ENV A=1\nENV B=2", "ENV B=2\nENV A=1", "ARG A=1\nENV B=2")}
    assert len(keys) == 3
    again = "ENV A=1\nENV B=2\nENV A=1"
    assert key(tmp_path, text.format(again)) == key(tmp_path, text.format("ENV B=2\nENV A=1"))


def test_a_folder_in_the_place_of_a_stage_keeps_the_triggers_of_that_stage(tmp_path: Path) -> None:
    """BuildKit passes over the rest of such a stage, but hands its ONBUILD on."""
    text = "FROM a AS one\nONBUILD COPY f /\nFROM one"
    keys = {key(tmp_path, text, {"ctx/f": f, "more/g": ""}, named={"one": "more"}) for f in ("a", "b")}
    assert len(keys) == 2


def test_the_folder_of_a_pattern_is_there_although_nothing_in_it_matches(tmp_path: Path) -> None:
    """BuildKit looks into the folder, and stops where there is none."""
    found = answer(tmp_path, "FROM scratch\nCOPY lib/x* /x/", {"ctx/lib/b": ""})
    main, _ = sent(found.keys, NAME, {}, tmp_path / "sent")
    assert [path.name for path in main.rglob("*")] == ["lib"]
    assert answer(tmp_path, "FROM scratch\nCOPY none/x* /x/", {"ctx/lib/b": ""}).unsure


def test_without_a_target_targetstage_is_the_last_stage(tmp_path: Path) -> None:
    text = "FROM a AS {}\nARG TARGETSTAGE\nRUN x"
    assert key(tmp_path, text.format("one")) != key(tmp_path, text.format("two"))
    assert key(tmp_path, text.format("one")) == key(tmp_path, text.format("one"), target="one")


def test_what_is_excluded_from_sources_is_not_excluded_from_the_whole_context(tmp_path: Path) -> None:
    """`$B` is known to the base alone, so everything counts; a file that is named itself is never excluded."""
    text = "FROM a\nCOPY --exclude=* src/$B b /x/"
    keys = {key(tmp_path, text, {"ctx/b": b, "ctx/src/f": ""}) for b in ("one", "two")}
    assert len(keys) == 2
    text = "FROM a\nCOPY --parents ./$B/./x b /x/"
    keys = {key(tmp_path, text, {"ctx/b": b, "ctx/src/x": ""}) for b in ("one", "two")}
    assert len(keys) == 2


def test_wildcards_do_not_lead_through_links(tmp_path: Path) -> None:
    """fsutil's `resolveWildcards` walks from the first wildcard on and follows no link; before it links lead on."""
    root = tmp_path / "family"
    linked = {"ctx/link": File(".", LINK)}
    dockerfile = "FROM scratch\nCOPY {} /x/"
    for pattern, counts in (("*/a", False), ("link/a*", True)):
        pieces = (Piece(0, dockerfile.format(pattern)),)
        found = []
        for text in ("one", "two"):
            case = Case(files={**linked, "ctx/a": File(text)}, pieces=pieces)
            case.write(root)
            found.append(ours(case, root).key)
        assert (found[0] != found[1]) is counts, pattern


def test_a_stage_that_sets_an_argument_has_the_files_of_the_folder_it_starts_from(tmp_path: Path) -> None:
    dockerfile = "FROM extra AS one\n{}\nFROM scratch\nCOPY --from=one src /"
    for instruction, counts in (("ARG A", False), ("ENV A=1", False), ("RUN true", True)):
        keys = {
            key(tmp_path, dockerfile.format(instruction), {"more/src": "", "more/b": text}, named={"extra": "more"})
            for text in ("one", "two")
        }
        assert (len(keys) == 2) is counts, instruction


def test_triggers_of_a_replaced_target_are_in_no_configuration(tmp_path: Path) -> None:
    keys = {
        key(tmp_path, f"FROM scratch AS one\nONBUILD RUN {command}", {"more/a": ""}, named={"one": "more"})
        for command in ("a", "b")
    }
    assert len(keys) == 1


def test_a_file_that_parents_names_and_excludes_is_not_missed(tmp_path: Path) -> None:
    """BuildKit looks whether the source is there before it leaves it out."""
    found = answer(tmp_path, "FROM scratch\nCOPY --parents --exclude=a lib/./a /x/", {"ctx/lib/a": "", "ctx/lib/b": ""})
    assert found.keys is not None
    main, _ = sent(found.keys, NAME, {}, tmp_path / "sent")
    assert (main / "lib" / "a").exists()
    text = {key(tmp_path, "FROM scratch\nCOPY --parents --exclude=a a /x/", {"ctx/a": text}) for text in "12"}
    assert len(text) == 1


@pytest.mark.parametrize("options", ["skip", "$BUILDPLATFORM", "error=maybe", "skip=all;other=1"])
def test_check_options_that_buildkit_refuses_are_refused(tmp_path: Path, options: str) -> None:
    found = answer(tmp_path, f"# check={options}\nFROM scratch\nLABEL a=b\n")
    assert "check option" in (found.refused or "")


@pytest.mark.parametrize("options", ["skip=all", "skip=JSONArgsRecommended,StageNameCasing;error=true", "error = F"])
def test_check_options_do_not_count(tmp_path: Path, options: str) -> None:
    plain = key(tmp_path / "plain", "FROM scratch\nLABEL a=b\n")
    assert key(tmp_path / "checked", f"# check={options}\nFROM scratch\nLABEL a=b\n") == plain


def test_an_unknown_flag_in_a_stage_that_is_not_built_is_unsure(tmp_path: Path) -> None:
    """BuildKit parses the whole file, so the build stops there; a reused image would hide it."""
    unreached = "FROM scratch AS early\nADD --parents a /\nFROM scratch\nCOPY a /"
    assert answer(tmp_path, unreached, {"ctx/a": ""}).unsure == ("unknown flag --parents",)
    replaced = answer(tmp_path, "FROM a AS one\nADD --parents a /", {"more/f": ""}, named={"one": "more"})
    assert replaced.unsure == ("unknown flag --parents",)
    assert answer(tmp_path, "FROM scratch\nADD --parents a /", {"ctx/a": ""}).unsure == ("unknown flag --parents",)


def test_an_ignore_file_that_is_a_link_is_followed_within_the_context(tmp_path: Path) -> None:
    """A link out of it, which BuildKit would look for inside, is told."""
    files = {"ctx/lib/a": File("1"), "ctx/rules": File("lib/a\n"), "ctx/.dockerignore": File("rules", LINK)}
    case = Case(files=files, pieces=(Piece(0, "FROM scratch\nCOPY lib /"),))
    keys = set()
    for text in ("1", "2"):
        replace(case, files={**files, "ctx/lib/a": File(text)}).write(tmp_path)
        keys.add(ours(case, tmp_path).key)
    assert len(keys) == 1
    replace(case, files={**files, "ctx/.dockerignore": File("../rules", LINK)}).write(tmp_path)
    assert "leads out of its folder" in ours(case, tmp_path).refused


def test_a_from_that_buildkit_refuses_is_unsure_where_its_stage_is_not_built(tmp_path: Path) -> None:
    """BuildKit reads every FROM, so the build stops there; a reused image would hide it."""
    for early in ("FROM $NONE:latest", "FROM golang:", "FROM $NONE"):
        found = answer(tmp_path, f"{early} AS early\nFROM scratch\nCOPY a /", {"ctx/a": ""})
        assert "not built" in "".join(found.unsure), early
    replaced = answer(tmp_path, "FROM golang: AS one\nRUN x", {"more/f": ""}, named={"one": "more"})
    assert "not built" in "".join(replaced.unsure)
    assert not answer(tmp_path, "FROM ubuntu AS early\nFROM early AS one\nFROM scratch\nCOPY a /", {"ctx/a": ""}).unsure


@pytest.mark.parametrize(
    "early",
    [
        "FROM scratch AS one\nCOPY --from=one /x /",
        "FROM scratch AS one\nCOPY --from=two /x /\nFROM scratch AS two\nCOPY --from=one a /x",
        "FROM scratch AS one\nCOPY --from=7 /x /",
        "FROM scratch AS one\nCOPY --from=$x /x /",
        "FROM scratch AS one\nCOPY --from=one* /x /",
        "FROM scratch AS one\nRUN --mount=from=one* x",
    ],
)
def test_what_buildkit_refuses_of_a_stage_that_is_not_built_is_unsure(tmp_path: Path, early: str) -> None:
    found = answer(tmp_path, f"{early}\nFROM scratch\nCOPY a /", {"ctx/a": ""})
    assert "not built" in "".join(found.unsure)


@pytest.mark.parametrize(
    "read",
    ["COPY --from=0 a /", "COPY --from=one a /", "COPY --from=7 a /", "COPY --from=$x a /", "COPY --from=one* a /"],
)
def test_what_buildkit_refuses_of_a_stage_that_a_named_context_replaces_is_unsure(tmp_path: Path, read: str) -> None:
    """It builds none of it, and reads each `--from` all the same (`toCommand`, v0.32.2)."""
    found = answer(tmp_path, f"FROM scratch AS one\nCMD x\n{read}", {"more/f": ""}, named={"one": "more"})
    assert "not built" in "".join(found.unsure)
    other = answer(tmp_path, "FROM scratch AS one\nCOPY --from=busybox a /", {"more/f": ""}, named={"one": "more"})
    assert not other.unsure


@pytest.mark.parametrize("platform", ["$NONE", "a", "755", "linux/am,64", "linux/arm/v7/x", "$GIVEN"])
def test_a_platform_that_is_none_of_a_stage_that_is_not_built_is_unsure(tmp_path: Path, platform: str) -> None:
    """BuildKit reads each of them first (`buildDispatchStates`, v0.32.2)."""
    early = f"ARG GIVEN=lib\nFROM --platform={platform} scratch AS early\n"
    assert "not built" in "".join(answer(tmp_path, f"{early}FROM scratch\nCOPY a /", {"ctx/a": ""}).unsure)
    replaced = answer(tmp_path, early, {"more/f": ""}, named={"early": "more"})
    assert "not built" in "".join(replaced.unsure)


@pytest.mark.parametrize("platform", ["linux/arm/v7", "$BUILDPLATFORM", "arm64", "Linux", "x86_64", "wasi/wasm"])
def test_a_platform_of_a_stage_that_is_not_built_is_nothing(tmp_path: Path, platform: str) -> None:
    early = f"FROM --platform={platform} scratch AS early\n"
    assert not answer(tmp_path, f"{early}FROM scratch\nCOPY a /", {"ctx/a": ""}).unsure


def test_a_stage_that_is_not_built_may_read_a_later_one(tmp_path: Path) -> None:
    later = "FROM scratch AS one\nCOPY --from=two /x /\nFROM scratch AS two\nFROM scratch\nCOPY a /"
    assert not answer(tmp_path, later, {"ctx/a": ""}).unsure


def test_a_target_is_a_name_never_a_number(tmp_path: Path) -> None:
    """`resolveTarget` of BuildKit v0.32.2 looks among the names only."""
    assert (
        'no stage is named "0"' in answer(tmp_path, "FROM scratch AS one\nCOPY a /", {"ctx/a": ""}, target="0").refused
    )


def test_a_context_without_a_file_is_unsure(tmp_path: Path) -> None:
    """A checkout has no such folder, so a plain build stops; what reads nothing of it would be reused for ever."""

    def unsure(files: dict[str, str], dockerfile: str = "docker/Dockerfile", more: str = "more") -> str:
        files = {"more/a": "", **files}
        named = {"other": "more", "extra": more}
        case = Case(
            files={path: File(text) for path, text in files.items()},
            pieces=(Piece(0, "FROM scratch\nCOPY --from=other a /"),),
            dockerfile=dockerfile,
            named=named,
        )
        case.write(tmp_path)
        return "; ".join(ours(case, tmp_path).unsure)

    assert unsure({}) == "images.yaml:1: the context ctx holds no file; a plain build would stop there"
    assert not unsure({"ctx/.dockerignore": "*"})
    assert not unsure({}, dockerfile="ctx/Dockerfile")
    assert not unsure({"ctx/a": ""}, more="../../outside")  # Not read, and no folder of the workspace.
    assert "the context gone holds no file" in unsure({"ctx/a": ""}, more="gone")
    assert "the context gone holds no file" in unsure({"ctx/a": "", "gone": "a file"}, more="gone")


@pytest.mark.parametrize("instruction", ["RUN true", "COPY a ."])
def test_a_working_folder_that_is_the_root_is_none(tmp_path: Path, instruction: str) -> None:
    """BuildKit's own default is `/`; what the configuration says counts where it reaches the image."""
    text = f"FROM {{}} AS early\n{{}}{instruction}\nFROM scratch\nCOPY --from=early / /"
    files = {"ctx/a": ""}

    def keys(base: str, *, locked: bool) -> set[str]:
        texts = (text.format(base, line) for line in ("", "WORKDIR /\n", "WORKDIR ..\n"))
        return {key(tmp_path, one, files, locked=locked) for one in texts}

    assert len(keys("scratch", locked=False)) == 1
    assert len(keys("ubuntu:22.04", locked=True)) == 1
    assert len(keys("ubuntu:22.04", locked=False)) == 3  # Where only the base knows it, it may be another one.
    counted = {key(tmp_path, f"FROM scratch\n{line}{instruction}", files) for line in ("", "WORKDIR /\n")}
    assert len(counted) == 2


def test_a_folder_below_one_that_only_the_base_knows_is_not_below_the_root(tmp_path: Path) -> None:
    text = "FROM ubuntu:22.04 AS early\n{}\nRUN true\nFROM scratch\nCOPY --from=early / /"
    lines = ("WORKDIR rel", "WORKDIR /rel", "WORKDIR rel\nWORKDIR ../rel")
    for locked, count in ((False, 3), (True, 2)):
        keys = {key(tmp_path, text.format(line), locked=locked) for line in lines}
        assert len(keys) == count, locked


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ("*\n!lib/**\n*\n", 3),
        ("lib\n!lib/deep/a\n# words\n**/lib\n", 4),
        ("*\n!lib/deep\n**/deep\n", 0),  # It counts in the folder that it names, and leaves it out.
        ("*\n!lib\n*/deep/b\n", 0),
        ("*\n*\n!lib/deep\n", 0),
        ("!lib\n*\n!lib/deep\n!lib/**\n", 0),
        ("*\n!lib/deep\n*\n!lib/deep/a\n", 0),
    ],
)
def test_a_file_that_buildkit_would_send_empty_is_refused(tmp_path: Path, rules: str, line: int) -> None:
    """It lists the file and then refuses to open it: fsutil's Walk and Open judge by two rules."""
    files = {"ctx/lib/deep/a": "a", "ctx/other": "", "ctx/.dockerignore": rules}
    for copied in ("lib", "lib/deep/a", "lib/*", "--parents lib/./deep", "--exclude=b lib", "."):
        refused = answer(tmp_path, f"FROM scratch\nCOPY {copied} /x/", files).refused
        assert refused.startswith(f"ctx/.dockerignore:{line}: ") if line else not refused, (copied, refused)
    assert not answer(tmp_path, "FROM scratch\nCOPY oth* /x/", files).refused


@pytest.mark.parametrize(
    ("taken", "refused"),
    [
        ("EXPOSE 80 81/udp 90-99/TCP $A", "EXPOSE 80 --from=one"),
        ("EXPOSE 80", "EXPOSE 90-89"),
        ("EXPOSE 65535", "EXPOSE 65536"),
        ("STOPSIGNAL SIGINT", "STOPSIGNAL SIGNOT"),
        ("STOPSIGNAL term", "STOPSIGNAL 0"),
        ("VOLUME /v", "VOLUME $A"),
    ],
)
def test_a_setting_that_buildkit_refuses_counts_in_a_stage_that_is_copied_from(
    tmp_path: Path, taken: str, refused: str
) -> None:
    """It stops the build; what it takes is in no image."""
    text = "FROM scratch AS one\nARG A\n{}\nCOPY a /\nFROM scratch\nCOPY --from=one / /"
    plain, same, other = (key(tmp_path, text.format(line), {"ctx/a": ""}) for line in ("LABEL a=b", taken, refused))
    assert plain == same
    assert plain != other


def test_the_time_of_a_stage_may_change_unseen(tmp_path: Path) -> None:
    """BuildKit asks for the time of what the stage fetches, although no other stage reads it."""
    text = "FROM scratch AS src\nADD https://files.example/a /\nFROM scratch\nARG SOURCE_DATE_EPOCH\n"
    text += "COPY f-$SOURCE_DATE_EPOCH /x"
    found = answer(tmp_path, text, {"ctx/f-100": ""}, args={"SOURCE_DATE_EPOCH": "src"})
    assert found.unsure == ("SOURCE_DATE_EPOCH=src is the time of what BuildKit fetches by that name",)
    assert found.keys is not None
    main, _ = sent(found.keys, NAME, {}, tmp_path / "sent")
    assert (main / "f-100").exists(), "any name may be meant"


@pytest.mark.parametrize("text", ["FROM ubuntu:22.04", "FROM scratch\nCOPY --from=ubuntu:22.04 /a /a"])
def test_a_named_context_for_one_platform_is_refused(tmp_path: Path, text: str) -> None:
    """BuildKit looks for `NAME::PLATFORM` before it looks for `NAME`."""
    named = {"ubuntu:22.04": "other", "ubuntu:22.04::linux/amd64": "more"}
    found = answer(tmp_path, text, {"more/a": "", "other/a": ""}, named=named)
    assert 'the named context "ubuntu:22.04::linux/amd64" is for one platform' in found.refused
    assert answer(tmp_path, "FROM scratch\nCOPY a /", {"ctx/a": "", "more/a": ""}, named=named).key


@pytest.mark.parametrize(
    "mount",
    ["secret,id=tok", "secret,source=tok", "secret,src=tok", "secret,target=/run/tok", "$T,id=tok", "$T,src=tok"],
)
def test_whether_a_secret_is_given_counts(tmp_path: Path, mount: str) -> None:
    """BuildKit asks for a secret by its source, else its id, else the name of its target (`dispatchSecret`)."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one/Dockerfile").write_text(f"FROM ubuntu\nARG T=SECRET\nRUN --mount=type={mount} true\n")
    keys = set()
    for secrets in ((), ("id=tok,src=/x",)):
        image = replace(image_of(Case()), context="one", dockerfile="one/Dockerfile", secrets=secrets)
        tree = DiskTree(tmp_path)
        keys.add(keys_of(load(Family(file="images.yaml", images=(image,)), tree), tree).keys[NAME])
    assert len(keys) == 2


def test_triggers_of_an_image_in_the_place_of_a_stage_do_not_run(tmp_path: Path) -> None:
    """BuildKit reads what they copy from and passes them over (`dispatchStages`: such a stage is done already)."""
    space = {
        "p/Dockerfile": "FROM ubuntu:22.04\nONBUILD ENV D=lib2\nONBUILD COPY b /b\n",
        "image/Dockerfile": "FROM scratch AS one\nFROM one\nCOPY ${D:-lib} /x/\n",
    }
    parent = replace(image_of(Case()), name=ImageName("p"), context="p", dockerfile="p/Dockerfile")
    contexts = (("one", "target:p"),)
    child = replace(image_of(Case()), context="image", dockerfile="image/Dockerfile", contexts=contexts)
    family = Family(file="images.yaml", images=(parent, child), lock=LOCK)
    keys = []
    for edited in ("", "image/lib/a", "image/lib2/a", "image/b"):
        files = {**space, **dict.fromkeys(("image/lib/a", "image/lib2/a", "image/b"), "1")}
        for path, text in {**files, **({edited: "2"} if edited else {})}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        tree = DiskTree(tmp_path)
        keys.append(keys_of(load(family, tree, told=True), tree).keys[NAME])
    assert keys[1] != keys[0]
    assert keys[2:] == [keys[0], keys[0]]


@pytest.mark.parametrize(
    "source",
    ["f-${BUILDARCH#?}", "f-$CUT", "f${BUILDVARIANT:+-64}", "f-${BUILDARCH/*/64}", "f-${BUILDARCH##?????????}"],
)
def test_what_is_made_of_the_building_machine_may_be_anything(tmp_path: Path, source: str) -> None:
    text = f"FROM scratch\nARG BUILDARCH BUILDVARIANT\nENV CUT=${{BUILDARCH#?}}\nCOPY {source} /x"
    keys = {key(tmp_path, text, {"ctx/f-md64": edit, "ctx/f-64": "1", "ctx/f-": "1"}) for edit in "12"}
    assert len(keys) == 2


def test_what_the_building_machine_does_not_decide_is_known(tmp_path: Path) -> None:
    text = "FROM scratch\nARG BUILDARCH D=lib\nCOPY ${D:-$BUILDARCH} /x"
    keys = {key(tmp_path, text, {"ctx/lib/a": "1", "ctx/other": edit}) for edit in "12"}
    assert len(keys) == 1


def test_thousands_of_stages_may_name_one(tmp_path: Path) -> None:
    names = "".join(f"FROM s{number} AS s{number + 1}\n" for number in range(1200))
    text = f"FROM scratch AS s0\nCOPY a /a\n{names}FROM scratch\nCOPY --from=s1200 /a /x"
    keys = {key(tmp_path, text, {"ctx/a": edit}) for edit in "12"}
    assert len(keys) == 2


@pytest.mark.parametrize("ignored", ["", "none\n"])
@pytest.mark.parametrize("line", ["COPY . /x", "COPY --exclude=z . /x"])
def test_folders_nest_by_thousands(tmp_path: Path, line: str, ignored: str) -> None:
    deep = tmp_path / ("w/ctx" + "/d" * 1100)
    keys = set()
    for edit in "12":
        answer(tmp_path / "w", f"FROM scratch\n{line}", {"ctx/.dockerignore": ignored})
        subprocess.run(["mkdir", "-p", deep], check=True)  # Python's own makes one call for each level.
        (deep / "f").write_text(edit)
        tree = DiskTree(tmp_path / "w")
        keys.add(keys_of(load(Family(file="images.yaml", images=(image_of(Case()),)), tree), tree).keys[NAME])
        subprocess.run(["rm", "-rf", tmp_path / "w"], check=True)
    assert len(keys) == 2


@pytest.mark.parametrize("line", ["COPY a\0 /x", "RUN --mount=source=a\0,target=/x ls"])
def test_no_file_has_a_zero_in_its_name(tmp_path: Path, line: str) -> None:
    found = answer(tmp_path, f"FROM ubuntu\n{line}", {"ctx/a": "1"})
    assert found.unsure


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("github.com/acme/x", "https://github.com/acme/x.git"),
        ("github.com/acme/x.git#main:sub", "https://github.com/acme/x.git#main:sub"),
        ("bob@git.example:x", "bob@git.example:x"),
        ("HTTPS://git.example/x.git", "HTTPS://git.example/x.git"),
    ],
)
def test_a_named_context_elsewhere_is_no_folder(tmp_path: Path, value: str, url: str) -> None:
    found = answer(tmp_path, "FROM scratch\nCOPY --from=x a /", {"ctx/a": ""}, named={"x": value})
    assert found.unsure == (f"the named context {url} may change unseen",)


def test_a_commit_of_a_named_context_at_github_holds_it(tmp_path: Path) -> None:
    named = {"x": "github.com/acme/x#" + "a" * 40}
    assert key(tmp_path, "FROM scratch\nCOPY --from=x a /", {"ctx/a": ""}, named=named)


def test_an_add_by_the_machine_fetches_nothing(tmp_path: Path) -> None:
    text = "FROM scratch\nARG BUILDARCH\nADD app-${BUILDARCH}.tar /x"
    assert not answer(tmp_path, text, {"ctx/app-amd64.tar": ""}).unsure


def test_a_layout_by_its_digest_does_not_change(tmp_path: Path) -> None:
    named = {"x": "oci-layout://store@sha256:" + "a" * 64}
    assert key(tmp_path, "FROM scratch\nCOPY --from=x a /", {"ctx/a": ""}, named=named)


@pytest.mark.parametrize(("folder", "named"), [("lnk", "lnk"), ("lnk/sub", "lnk/sub")])
def test_a_context_behind_a_link_is_refused_by_the_name_of_the_link(tmp_path: Path, folder: str, named: str) -> None:
    files = {"more/sub/a": File(""), "more/a": File(""), "lnk": File("more", LINK), "ctx/a": File("")}
    case = Case(files=files, pieces=(Piece(0, "FROM scratch\nCOPY --from=x a /"),), named={"x": named})
    case.write(tmp_path)
    hint = "lnk is a symlink: name the folder that it leads to"
    assert hint in ours(case, tmp_path).refused
    unread = replace(case, pieces=(Piece(0, "FROM scratch\nCOPY a /"),))
    unread.write(tmp_path)
    assert not ours(unread, tmp_path).refused
    image = replace(image_of(Case()), context=folder, dockerfile=f"{folder}/Dockerfile")
    with pytest.raises(DefinitionError, match=hint):
        load(Family(file="images.yaml", images=(image,)), DiskTree(tmp_path))


def test_a_folder_without_its_dockerfile_is_told_apart_from_a_link(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/a").write_text("")
    for context in ("one", "one/two", "."):
        image = replace(image_of(Case()), context=context, dockerfile=f"{context}/Dockerfile".removeprefix("./"))
        with pytest.raises(DefinitionError, match="is relative to"):
            load(Family(file="images.yaml", images=(image,)), DiskTree(tmp_path))


def test_a_later_stage_that_a_named_context_replaces_is_read(tmp_path: Path) -> None:
    """It is a folder or an image then, which is there before any stage is built (`resolveBaseImage`, v0.32.2)."""
    text = "FROM scratch\nCOPY --from=two f /\nFROM scratch AS two\nFROM scratch\nCOPY --from=0 f /"
    keys = {key(tmp_path, text, {"more/f": held, "more/g": held}, named={"two": "more"}) for held in ("one", "two")}
    assert len(keys) == 2
    assert "after it is read" in answer(tmp_path, text).refused
    circle = text.replace("AS two", "AS two\nCOPY --from=0 f /")
    assert "circle" in answer(tmp_path, circle, {"more/f": ""}, named={"two": "more"}).unsure[0]


@pytest.mark.parametrize("source", ["src\\a*", ".\\src\\a", "C:\\src\\a*", "c:/src/a"])
def test_a_source_for_windows_may_have_backslashes_and_a_drive(tmp_path: Path, source: str) -> None:
    """BuildKit reads it as `src/a` (`system.NormalizePath`, v0.32.2), of the stage's platform, not the image's."""
    head = "# escape=`\nFROM {}scratch AS one\nCOPY --exclude=a src /y/\nCOPY {} /x/"
    for text, platform in (
        (head.format("", source), "windows/amd64"),
        (head.format("--platform=windows/amd64 ", source).replace("scratch", "golang:1.20"), "linux/amd64"),
    ):
        last = f"{text}\nFROM scratch\nCOPY --from=one / /"
        held = [{"ctx/src/a": said, "ctx/src/b": ""} for said in ("one", "two")]
        keys = [key(tmp_path, last, files, platform=platform) for files in held]
        assert keys[0] != keys[1]
    unread = [{"ctx/src\\a": "", "ctx/src/a": said, "ctx/src/b": ""} for said in ("one", "two")]
    assert len({key(tmp_path, "# escape=`\nFROM scratch\nCOPY src\\\\a* /x/", files) for files in unread}) == 1
