"""WORKDIR, and the instructions that only set something up: USER, SHELL, CMD, EXPOSE and the like."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from planner.sources.dockerfile.setting_values import JUDGED, is_taken, ports
from planner.sources.dockerfile.steps import Parts
from planner.sources.dockerfile.syntax import Setting, Workdir
from planner.sources.dockerfile.walk import State, Walk
from planner.sources.dockerfile.words import joined


def workdir(walk: Walk, item: Workdir, state: State) -> State:
    """The folder is relative where only the base knows it. A root that is known is as none: BuildKit's own default."""
    written = walk.word(item.path, state)
    path = posixpath.normpath(posixpath.join(state.workdir or ("/" if state.known else ""), written))
    parts: Parts = (("path", path),)
    if state.user:
        parts = (*parts, ("user", state.user))
    if walk.counted and written.startswith("/"):
        parts = (*parts, ("in the configuration", written))
    if walk.counted or path != "/":
        walk.add(item.text, item.span, parts)
    return replace(state, workdir="" if path == "/" and state.known else path)


def setting(walk: Walk, item: Setting, state: State) -> State:
    expands = item.keyword in {"EXPOSE", "STOPSIGNAL", "USER", "VOLUME"}
    words = tuple(walk.word(word, state) for word in item.words) if expands else item.words
    if item.keyword == "EXPOSE":
        words = ports(words)
    shell: Parts = ()
    if item.keyword in {"CMD", "ENTRYPOINT"} and not item.json_form:
        shell = joined("shell", state.shell)
    parts = (("json", str(item.json_form)), *((item.keyword, word) for word in words), *shell)
    if walk.counted or (item.keyword in JUDGED and (walk.uncertain or not is_taken(item.keyword, words))):
        walk.add(item.text, item.span, parts)
    if item.keyword == "USER":
        return replace(state, user=words[0])
    if item.keyword == "SHELL":
        return replace(state, shell=words)
    return state
