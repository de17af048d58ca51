"""A peer over real HTTP that gives every request the same answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    path: str
    headers: Message
    body: bytes


@contextmanager
def answering(
    status: int, content: bytes, pause: threading.Event | None = None, asked: list[Asked] | None = None
) -> Iterator[int]:
    """Gives its port. Answers after `pause` is set, and notes what it was asked in `asked`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if pause:
                pause.wait(20)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if asked is not None:
                asked.append(Asked(self.path, self.headers, body))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 (the name that the base class calls)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        if pause:
            pause.set()
        server.shutdown()
        thread.join()
        server.server_close()
