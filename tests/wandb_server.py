"""A stand-in for W&B's server, on loopback: it keeps the rows and the summary of runs, and knows them again."""

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

KEY = 40 * "a"


class Server(ThreadingHTTPServer):
    """Serve until the end of a ``with`` block.

    Attributes:
        rows: All rows of the history of each run, by its id.
        summaries: The summary of each run.
        requests: What was asked for: the name of each GraphQL operation and its variables.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rows: dict[str, list[str]] = {}
        self.summaries: dict[str, str] = {}
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
            return {"upsertBucket": {"bucket": self._bucket(variables), "inserted": not known}}
        if operation == "RunResumeStatus":
            bucket = self._bucket(variables) if variables["name"] in self.rows else None
            return {"model": {**self._bucket(variables)["project"], "bucket": bucket}}
        if operation == "CreateRunFiles":
            files = [
                {"name": name, "uploadUrl": f"{self.environment['WANDB_BASE_URL']}/{name}"}
                for name in variables["files"]
            ]
            return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}
        return {"serverInfo": {"features": []}, "viewer": None}

    def stream(self, run_id: str, files: dict[str, Any]) -> None:
        for name, chunk in files.items():
            if name == "wandb-history.jsonl":
                self.rows[run_id][chunk["offset"] :] = chunk["content"]
            elif name == "wandb-summary.json":
                self.summaries[run_id] = chunk["content"][-1]

    def _bucket(self, variables: dict[str, Any]) -> dict[str, Any]:
        rows = self.rows.get(variables["name"], [])
        return {
            "id": "1",
            "name": variables["name"],
            "displayName": variables["name"],
            "project": {"id": "1", "name": variables["project"], "entity": {"id": "1", "name": "somebody"}},
            "config": "{}",
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
            self._say({"data": self.server.answer(asked.get("operationName", ""), asked.get("variables") or {})})
        elif self.path.endswith("/file_stream"):
            self.server.stream(self.path.split("/")[-2], json.loads(body).get("files") or {})
            self._say({"exitcode": None, "limits": {}})
        else:
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
