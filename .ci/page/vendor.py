"""Fetches the layout library of the page from npm: `make vendor`, or with a version `python3 .ci/page/vendor.py 1.29.2`.

`npm pack` gives the package's archive; the library and its licence are taken from it as they are, and their digests
are written beside them. Without a version the recorded one is fetched, and anything but the recorded archive refused.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@hpcc-js/wasm-graphviz"
FOLDER = Path(__file__).parents[2] / "planner" / "explain" / "page" / "vendor"
RECORD = FOLDER / "version.json"
TAKEN = {"package/dist/index.js": "graphviz.js", "package/LICENSE": "LICENSE"}


def main(version: str) -> None:
    recorded = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    wanted = version or recorded["version"]
    with tempfile.TemporaryDirectory() as folder:
        argv = ["npm", "pack", "--silent", "--ignore-scripts", "--json", f"{PACKAGE}@{wanted}"]
        run = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True)
        packed = json.loads(run.stdout)[0]
        if wanted == recorded.get("version") and packed["integrity"] != recorded["integrity"]:
            raise SystemExit(f"{PACKAGE} {wanted} is not the archive that was recorded: {packed['integrity']}")
        digests = {}
        with tarfile.open(Path(folder, packed["filename"])) as archive:
            for member, name in TAKEN.items():
                stream = archive.extractfile(member)
                if stream is None:
                    raise SystemExit(f"{PACKAGE} {wanted} has no {member}")
                content = stream.read()
                (FOLDER / name).write_bytes(content)
                digests[name] = hashlib.sha256(content).hexdigest()
    record = {"package": PACKAGE, "version": packed["version"], "integrity": packed["integrity"], "sha256": digests}
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
    print(f"{PACKAGE} {packed['version']}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
