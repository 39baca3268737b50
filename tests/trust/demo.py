"""`make trust-demo`: the trust stack on loopback, one grant and one refusal, with real BuildKit and distribution."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.demo.__main__ import say
from tests.engine.buildkit import running_buildkitd
from tests.engine.engine import NotInstalled
from tests.engine.install import ENGINE, install
from tests.engine.server import ServerFailed
from tests.engine.workfolder import work_folder
from tests.trust import issuing
from tests.trust.runs import environment_of
from tests.trust.stack import Stack, running_stack
from tests.workspace import Workspace

FILES = {
    "images.yaml": "version: 1\nkeys: {algorithm: sha256}\nimages:\n  base: {dockerfile: base.Dockerfile}\n",
    "base.Dockerfile": "FROM scratch\nCOPY base.Dockerfile /made-of\n",
}


def run(space: Workspace, stack: Stack, address: str, run: str, really: str, *words: str) -> str:
    """The planner in the environment of a run, with the identity token of another one where they differ."""
    client = stack.client(really.replace("/", "-"), issuing.token(really))
    path = os.pathsep.join((client["PATH"], os.fspath(ENGINE.bin_folder()), os.environ.get("PATH", os.defpath)))
    notes = os.fspath(space.root.parent / f"notes-{run.replace('/', '-')}")
    environment = {**environment_of(run, space.root.parent), **client, "PATH": path, "PLANNER_BUILDERS": notes}
    print(f"$ planner {' '.join(words)}", flush=True)
    ended = space.planner(*words, BUILDKIT_HOST=address, **environment)
    told = "\n".join(line for line in f"{ended.stdout}{ended.stderr}".splitlines() if "importing" not in line)
    print(told.replace(os.fspath(stack.folder), "STACK"), flush=True)
    shutil.rmtree(space.root / ".planner", ignore_errors=True)
    return told


def show(stack: Stack, address: str, folder: Path) -> bool:
    """Whether the grant was a grant, and the refusal a refusal."""
    space = Workspace(folder / "family")
    space.write({**FILES, "policy.yaml": stack.policy()})
    space.commit()
    say("The policy: nothing that an untrusted run can write is read by a trusted one, over every run that can be.")
    proof = run(space, stack, address, "main", "main", "policy", "check")
    say("Pull request 17: what its builds import and export.")
    run(space, stack, address, "pr/17", "pr/17", "cache", "plan")
    say("It builds, and BuildKit pushes its layer cache with the identity of the run. Granted.")
    granted = run(space, stack, address, "pr/17", "pr/17", "build", "--all")
    say("The same pull request says that it is main. Its token says otherwise, so the registry takes nothing.")
    refused = run(space, stack, address, "main", "pr/17", "build", "--all")
    say("What the token server wrote down (without tokens):")
    for line in stack.audit.read_text().splitlines():
        entry = json.loads(line)
        asked = ", ".join(entry["asked"])
        print(f"  {entry['run'].get('ref', '-')}  level {entry['level']}  asked {asked}  got {entry['granted']}")
    return "holds" in proof and "exporting cache" not in granted and "exporting cache" in refused


def main() -> int:
    try:
        install()
        programs = ENGINE.bin_folder()
        with work_folder() as folder, running_stack(programs / "registry", folder / "stack") as stack:
            registries = (stack.registry.address,)
            with (
                running_buildkitd(programs, folder / "buildkitd", registries=registries) as address,
                tempfile.TemporaryDirectory(prefix="planner-trust-demo-") as temporary,
            ):
                return 0 if show(stack, address, Path(temporary)) else 1
    except (NotInstalled, ServerFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
