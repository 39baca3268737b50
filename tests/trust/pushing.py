"""What an attacker's own client sends to a registry: blobs, manifests, mounts, deletions, with any token or none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from tests.engine.registry import Registry

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True)
class Client:
    """Speaks to one registry with one token, "" for none."""

    registry: Registry
    token: str = ""

    def send(
        self, method: str, path: str, body: bytes | None = None, kind: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {
            "Accept": f"{MANIFEST}, {INDEX}",
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
        }
        return self.registry.request(method, path, body, {**headers, **({"Content-Type": kind} if kind else {})})

    def blob(self, name: str, data: bytes) -> int:
        status, headers, _ = self.send("POST", f"/v2/{name}/blobs/uploads/", b"")
        if status != 202:
            return status
        place = headers["location"]
        joiner = "&" if "?" in place else "?"
        return self.send("PUT", f"{place}{joiner}digest={digest_of(data)}", data, "application/octet-stream")[0]

    def image(self, name: str, tag: str, content: bytes = b"layer") -> int:
        """Push a small image; the status of its manifest, or of what was refused before."""
        config = b'{"architecture":"amd64","os":"linux"}'
        for data in (config, content):
            if (status := self.blob(name, data)) != 201:
                return status
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": entry(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [entry(content, "application/vnd.oci.image.layer.v1.tar")],
        }
        return self.send("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(document).encode(), MANIFEST)[0]

    def mount(self, name: str, digest: str, source: str) -> int:
        """201 where the blob was mounted, 202 where the registry only opened an upload."""
        return self.send("POST", f"/v2/{name}/blobs/uploads/?mount={digest}&from={source}", b"")[0]


def entry(data: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}
