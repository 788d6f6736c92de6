"""A stand-in for W&B's server, on loopback: it keeps rows, summaries, configs and files, and knows runs again."""

import gzip
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, unquote

KEY = 40 * "a"
VIEWER = {"id": "1", "username": "somebody", "entity": "somebody", "flags": "{}", "teams": {"edges": []}}


class Server(ThreadingHTTPServer):
    """Serve until the end of a ``with`` block.

    Attributes:
        rows: All rows of the history of each run, by its id.
        summaries: The summary of each run.
        configs: The config of each run.
        files: What was uploaded, by the path of the address.
        requests: What was asked for: the name of each GraphQL operation and its variables.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rows: dict[str, list[str]] = {}
        self.summaries: dict[str, str] = {}
        self.configs: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._may_answer = Event()
        self._may_answer.set()
        Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def __exit__(self, *error: Any) -> None:
        self._may_answer.set()
        self.shutdown()
        super().__exit__(*error)

    def silence(self) -> None:
        """Answer nobody until the end."""
        self._may_answer.clear()

    def wait(self) -> None:
        self._may_answer.wait()

    @property
    def environment(self) -> dict[str, str]:
        return {"WANDB_BASE_URL": f"http://127.0.0.1:{self.server_port}", "WANDB_API_KEY": KEY}

    def history(self, run_id: str) -> list[dict[str, Any]]:
        return [json.loads(row) for row in self.rows[run_id]]

    def handle_error(self, *where: Any) -> None:
        """W&B leaves without a word."""

    def answer(self, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        self.requests.append((operation, variables))
        if operation == "UpsertBucket":
            known = variables["name"] in self.rows
            self.rows.setdefault(variables["name"], [])
            self.configs[variables["name"]] = variables.get("config") or self.configs.get(variables["name"], "{}")
            return {"upsertBucket": {"bucket": self._bucket(variables), "inserted": not known}}
        if operation == "RunResumeStatus":
            bucket = self._bucket(variables) if variables["name"] in self.rows else None
            return {"model": {**self._bucket(variables)["project"], "bucket": bucket}}
        if operation == "CreateRunFiles":
            files = list(map(self._target, variables["files"]))
            return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}
        if operation == "CreateArtifact":
            name = variables["input"]["artifactCollectionName"]
            sequence = {"id": "1", "name": name, "latestArtifact": None}
            return {"createArtifact": {"artifact": {"id": "1", "state": "PENDING", "artifactSequence": sequence}}}
        if operation == "CreateArtifactManifest":
            manifest = {"id": "1", "file": self._target(variables["name"])}
            return {"createArtifactManifest": {"artifactManifest": manifest}}
        if operation == "CreateArtifactFiles":
            nodes = [{"node": self._target(each["name"])} for each in variables["input"]["artifactFiles"]]
            return {"createArtifactFiles": {"files": {"edges": nodes}}}
        if operation == "CommitArtifact":
            return {"commitArtifact": {"artifact": {"id": "1", "digest": "0"}}}
        return {"serverInfo": {"features": []}, "viewer": VIEWER, "project": None}

    def stream(self, run_id: str, files: dict[str, Any]) -> None:
        for name, chunk in files.items():
            if name == "wandb-history.jsonl":
                self.rows[run_id][chunk["offset"] :] = chunk["content"]
            elif name == "wandb-summary.json":
                self.summaries[run_id] = chunk["content"][-1]

    def _target(self, name: str) -> dict[str, Any]:
        """Return where a file may be uploaded to."""
        url = f"{self.environment['WANDB_BASE_URL']}/{quote(name)}"
        rest = {"uploadHeaders": [], "storagePath": name, "uploadMultipartUrls": None, "artifact": {"id": "1"}}
        return {"id": "1", "name": name, "displayName": name, "uploadUrl": url, **rest}

    def _bucket(self, variables: dict[str, Any]) -> dict[str, Any]:
        rows = self.rows.get(variables["name"], [])
        return {
            "id": "1",
            "name": variables["name"],
            "displayName": variables["name"],
            "project": {"id": "1", "name": variables["project"], "entity": {"id": "1", "name": "somebody"}},
            "config": self.configs.get(variables["name"], "{}"),
            "wandbConfig": '{"t": 1}',
            "summaryMetrics": self.summaries.get(variables["name"], "{}"),
            "tags": [],
            "historyTail": json.dumps(rows[-1:]),
            "eventsTail": "[]",
            "historyLineCount": len(rows),
            "eventsLineCount": 0,
            "logLineCount": 0,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/graphql":
            asked = json.loads(body)
            named = re.search(r"\b(?:query|mutation)\s+(\w+)", asked["query"])
            operation = asked.get("operationName") or (named[1] if named else "")
            self._say({"data": self.server.answer(operation, asked.get("variables") or {})})
        elif self.path.endswith("/file_stream"):
            self.server.stream(self.path.split("/")[-2], json.loads(body).get("files") or {})
            self._say({"exitcode": None, "limits": {}})
        else:
            self.server.files[unquote(self.path)] = body
            self._say({})

    do_PUT = do_POST  # noqa: N815

    def do_GET(self) -> None:
        self._say({})

    def _say(self, what: Any) -> None:
        self.server.wait()
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *parts: Any) -> None:
        """Say nothing."""
