"""The console script: answers at once what needs no thought or was answered before, and hands all else to `main`.

It loads next to nothing. Where a command compares with a revision, git is asked before anything else is done, so that
git and Python work side by side.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` makes enums: that takes longer than all that is done here
import _thread
import errno
import gc
import io
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from planner.local.answer_cache import Answer

REMEMBERED = frozenset({"plan", "matrix", "key"})
"""Commands whose answer is decided by the workspace, a revision and the environment alone."""
LOOKING = REMEMBERED | {"why", "why-not", "affected", "query", "build"}
"""Commands that begin with a look of git."""
INTERRUPTED = 130
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a full disk says, and one that is broken."""


def script() -> NoReturn:
    """Run one command as a process of its own, which ends with it."""
    interrupts_end()
    _hear_of_children()
    _open_what_is_closed()
    try:
        status = main()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except RuntimeError as error:
        # Python before 3.12 wraps whatever comes while a class takes its names (`__set_name__`).
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        status = INTERRUPTED
    interrupts_end()
    asked = read(sys.argv[1:])
    if asked is not None and asked.command != "build":
        # Nothing is left to do or to close: to take all apart that was loaded takes Python longer than a git that is
        # asked for a folder.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)
    sys.exit(status)


def interrupts_end() -> None:
    """Let Ctrl-C end the process at once: while it loads modules and takes them apart there is nothing to tidy.

    Python would tell of it line by line, and lose it where it comes in the middle of tidying of its own.
    """
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _end)


def interrupts_raise() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again, for a command that has something to tidy."""
    if _signal.getsignal(_signal.SIGINT) is _end:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        sys.unraisablehook = raise_again


def raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Python prints what is raised in a finaliser, and goes on: an interrupt that comes there is made once more.

    A moment later, and from a thread, since here it would be lost like the first one.
    """
    if lost.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_interrupt_soon, ())
    else:
        sys.__unraisablehook__(lost)


def _interrupt_soon() -> None:
    time.sleep(0.02)
    os.kill(os.getpid(), _signal.SIGINT)


def _end(number: int, frame: object) -> NoReturn:
    os._exit(INTERRUPTED)


def _hear_of_children() -> None:
    """A parent that ignores the end of its children passes it on: nobody would be told how git or buildx ended."""
    if _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)


def _open_what_is_closed() -> None:
    """Whoever starts us may have closed our inputs and outputs: another file would get their numbers."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    handle = -1
    while handle <= 2:
        handle = os.open(os.devnull, os.O_RDWR)
        os.set_inheritable(handle, handle <= 2)
    os.close(handle)
    sys.stdin = sys.stdin or open(0, encoding="utf-8")  # noqa: SIM115 -- they end with the process
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")  # noqa: SIM115


def main() -> int:
    """Run one command; gives the exit status."""
    # Reading a family makes many records and no rubbish: looking for some at the usual pace takes a tenth of the time.
    gc.set_threshold(200_000, 20, 20)
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        import planner

        print(f"planner {planner.__version__}")
        return 0
    if _is_nowhere():
        return 1
    try:
        found = _remembered(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    status = _think() if found is None else _give(found)
    if (ids := sys.modules.get("planner.local.remembered_ids")) is not None:  # No file was hashed without it.
        ids.save()
    return status


def _think() -> int:
    # Loading the command line's own modules takes longer than a whole remembered answer.
    import atexit

    from planner.cli.main import main as think

    # Looking for rubbish among all records when Python ends takes a tenth of a first run.
    atexit.register(gc.freeze)
    return think()


def _is_nowhere() -> bool:
    """Whether the folder that a command is started in is not there any more, which is said."""
    try:
        os.getcwd()  # noqa: PTH109 -- see the module's first lines
    except OSError as error:
        what = f"the folder that this is started in cannot be told: {error.strerror}"
        print(f"planner: {what}\n  it may have been removed: cd to one that is there", file=sys.stderr)
        return True
    return False


def _remembered(arguments: Sequence[str]) -> Answer | None:
    asked = read(arguments)
    if asked is None:
        return None
    from planner.local import look as looks

    folder, revision = asked.folder, asked.revision
    cache = looks.ahead(folder, revision)
    # Git is at work now, and takes longer than all that follows.
    from planner.local import answer_cache

    try:
        question = answer_cache.question(folder, arguments)
    except OSError:
        return None
    recalled = answer_cache.recall(cache, question) if asked.command in REMEMBERED else None
    holds = recalled is not None and recalled.holds(folder, cache)
    if (git := looks.under_way(folder)) is not None:
        from planner.cli import ahead

        ahead.load(git, ahead.steps(cache, asked, arguments))
    look = looks.wait(folder)
    if look is not None:
        look.question = question
        look.disk = None if recalled is None else recalled.disk
        if holds and recalled is not None and answer_cache.is_at(recalled, look):
            return recalled.answer
    return None


class Asked:
    """What a command line asks, as far as it must be known before all is loaded.

    `named` where somebody named the graph file: another one is not looked for.
    """

    def __init__(
        self, command: str, folder: str, file: str, variables: list[str], revision: str, *, named: bool
    ) -> None:
        self.command = command
        self.folder = folder
        self.file = file
        self.named = named
        self.variables = variables
        self.revision = revision


def read(arguments: Sequence[str]) -> Asked | None:
    """What a command line asks, where it is one whose answer may be remembered.

    Understands only what is written out in full and in the usual order; `main` understands the rest.
    """
    folder, file, revision = ".", "images.yaml", ""
    variables: list[str] = []
    files = 0
    waiting = list(reversed(arguments))
    while waiting and waiting[-1] in ("-C", "-f", "--var", "--define"):
        option = waiting.pop()
        if not waiting:
            return None
        value = waiting.pop()
        folder = value if option == "-C" else folder
        file = value if option == "-f" else file
        files += option == "-f"
        variables += [value] if option in ("--var", "--define") else []
    if files > 1 or not waiting or (command := waiting.pop()) not in LOOKING:
        return None
    while waiting:
        option = waiting.pop()
        if option in ("--since", "--from") and waiting:
            revision = _revision(waiting.pop())
        elif option.startswith(("--since=", "--from=")):
            revision = _revision(option.partition("=")[2])
        elif option in ("-h", "--help"):
            return None
    if files and os.path.basename(file) != file:  # noqa: PTH119
        from planner.sources.doors.bake.named import is_bake
        from planner.sources.doors.compose.named import is_compose

        if is_compose(file) or is_bake(file):
            return Asked(command, folder, os.path.normpath(file), variables, revision, named=True)
    place = os.path.join(folder, file)  # noqa: PTH118
    folder, file = os.path.dirname(place) or ".", os.path.basename(place)  # noqa: PTH119, PTH120
    return Asked(command, folder, file, variables, revision, named=files > 0)


def _revision(state: str) -> str:
    """A state of `--from`, "" for one that is no revision."""
    return "" if state in ("WORKTREE", "INDEX", "RECORDS", "published") or state.endswith(".json") else state


def _give(found: Answer) -> int:
    try:
        for stream, text in ((sys.stdout, found.out), (sys.stderr, found.err)):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
            stream.write(text)
            stream.flush()
    except OSError as error:
        return output_lost(error)
    return found.status


def output_lost(error: OSError) -> int:
    """The exit status where an output takes no more: nobody reads it, or there is no room. Raises all other errors.

    But for those of a folder that was removed while a command ran in it.
    """
    if not isinstance(error, BrokenPipeError) and (error.filename is not None or error.errno not in NO_ROOM):
        if _is_nowhere():
            return 1
        raise error
    # Python would try once more at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 141
    print(f"planner: an output cannot be written: {error.strerror}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    from planner.cli import start  # by its own name, under which others know what is here

    start.script()
