"""`python -m components.serving.mlflow_server ROOT HOST PORT`: the workspace's MLflow, for people who cannot read its disk.

MLflow's own server, with two things about it. Where the workspace's database names files of its own disk, clients are told
`mlflow-artifacts:/…`, which the server fetches for them; the database keeps its paths, so those who open it without a
server, and experiments of earlier releases, go on as before. And the weights that versions refer to are given out by
their md5, straight from the DVC cache: nothing is copied, and nothing else of the cache is open.
"""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.registry.database import embedded_uri
from components.registry.weights_reference import SERVED_WEIGHTS, WeightsReference, key
from components.storage.atomic import read_object
from components.storage.home import ARTIFACTS
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROXIED = b"mlflow-artifacts:"
_FILES = "/mlflow-artifacts/artifacts/"
_WEIGHTS = re.compile(rf"{_FILES}{SERVED_WEIGHTS}/([0-9a-f]{{2}})/([0-9a-f]{{30}})$")
_JSON = b"application/json"


def serve(workspace: Workspace, host: str, port: int) -> None:
    """Serve until the process is ended."""
    place = (workspace.private / ARTIFACTS).as_uri()
    uri = embedded_uri(workspace)
    # What `mlflow server` tells its workers; it has no way to put anything around them.
    os.environ.update(
        {
            "_MLFLOW_SERVER_FILE_STORE": uri,
            "_MLFLOW_SERVER_ARTIFACT_ROOT": place,
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": place,
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SGI_NAME": "uvicorn",
        }
    )
    import uvicorn
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(uri, uri, place)
    uvicorn.run(Proxied(app, workspace), host=host, port=port, log_level="warning")


class Proxied:
    """An ASGI application around MLflow's: places on the disk become places on the server, and back."""

    def __init__(self, app: "ASGIApp", workspace: Workspace) -> None:
        self._app, self._workspace = app, workspace
        self._place = (workspace.private / ARTIFACTS).as_uri().encode()
        self._weights: dict[str, Path] = {}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif (path := self._asked_for(scope)) is not None:
            from starlette.responses import FileResponse

            await FileResponse(path)(scope, receive, send)
        elif _FILES in scope["path"]:
            await self._app(scope, receive, send)
        else:
            scope, receive = await self._inwards(scope, receive)
            await self._app(scope, receive, _Rewriting(send, self._outwards))

    def _asked_for(self, scope: "Scope") -> Path | None:
        """The file of the cache that is asked for; None for all else, and for weights that another workspace sent here."""
        asked = _WEIGHTS.search(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        return self._find(asked[1] + asked[2]) if asked else None

    def _find(self, md5: str) -> Path | None:
        """Where the bytes lie, if a registered version names them."""
        if md5 not in self._weights:
            for path in (self._workspace.private / ARTIFACTS).rglob("record/weights.json"):
                try:
                    reference = WeightsReference.from_json(read_object(path))
                except ValueError as error:  # one version's damage is no reason to keep back the others' weights
                    print(f"{path}: {error}", file=sys.stderr)
                    continue
                self._weights |= {file.md5: Path(reference.cache) / key(file.md5) for file in reference.files}
        path = self._weights.get(md5)
        return path if path is not None and path.is_file() else None

    def _outwards(self, body: bytes) -> bytes:
        return body.replace(self._place + b"/", PROXIED + b"/").replace(self._place + b'"', PROXIED + b'/"')

    async def _inwards(self, scope: "Scope", receive: "Receive") -> "tuple[Scope, Receive]":
        headers = dict(scope["headers"])
        if not headers.get(b"content-type", b"").startswith(_JSON):
            return scope, receive
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        body = body.replace(PROXIED + b"/", self._place + b"/")
        headers[b"content-length"] = str(len(body)).encode()
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> "Message":
            return waiting.pop() if waiting else await receive()

        return {**scope, "headers": list(headers.items())}, replay


class _Rewriting:
    """Sends an answer on, changed as a whole where it is JSON."""

    def __init__(self, send: "Send", change: Any) -> None:
        self._send, self._change = send, change
        self._start: Any = None
        self._body = b""

    async def __call__(self, message: "Message") -> None:
        if message["type"] == "http.response.start" and dict(message["headers"]).get(b"content-type", b"").startswith(
            _JSON
        ):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = self._change(self._body)
            kept = [(name, value) for name, value in self._start["headers"] if name != b"content-length"]
            await self._send({**self._start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
            await self._send({"type": "http.response.body", "body": body})
            self._start = None


if __name__ == "__main__":
    serve(Workspace(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]))
