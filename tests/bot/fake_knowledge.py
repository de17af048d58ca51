"""A small complete stand-in for the knowledge base's HTTP server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAKE_TOKEN = "a token for tests"


def article(key: str, question: str) -> dict[str, Any]:
    return {
        "key": key,
        "version": 1,
        "question": question,
        "category": "测试",
        "text": f"{question}的答案",
        "spoken": f"{question}的答案",
        "tags": [],
        "related": [],
    }


class FakeKnowledge:
    """Answers `/v1/search` as the contract says; `decision` and `status` can be set, `requests` keeps what came in."""

    def __init__(self) -> None:
        self.decision = "answer"
        self.status = 200
        self.requests: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def reset(self) -> None:
        self.decision, self.status = "answer", 200
        self.requests.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, question: dict[str, Any]) -> dict[str, Any]:
        keys = question.get("within") or ["debit.apply", "credit.apply", "account.open"]
        decision = "answer" if question.get("within") else self.decision
        found = article(keys[0], "标准问题")
        return {
            "decision": decision,
            "confidence": 0.9,
            "candidates": [
                {"key": key, "question": "标准问题", "matched": "标准问题", "score": 0.9, "version": 1} for key in keys
            ],
            "answer": found if decision == "answer" else None,
            "index": {"model": "fake", "generation": 1, "scorer": "fake"},
            "timings_ms": {"embed": 1.0, "search": 1.0, "score": 1.0},
        }


def _handler(knowledge: FakeKnowledge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # headers and body leave together: apart they wait 40 ms for each other

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            knowledge.requests.append(question)
            if self.headers.get("Authorization") != f"Bearer {FAKE_TOKEN}":
                return self._send(401, {"code": "unauthorized"})
            return self._send(knowledge.status, knowledge.reply(question))

        def _send(self, status: int, body: dict[str, Any]) -> None:
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Silent: the default writes a line per request."""

    return Handler
