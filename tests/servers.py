"""A chat server on this machine for tests, which says whatever a test has it say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], tuple[int, bytes] | tuple[int, bytes, dict[str, str]]]


def completion(text: object, *, reason: str | None = None, usage: object = None, **more: Any) -> bytes:
    """The body of a reply; `more` belongs to its choice."""
    choice = {
        "message": {"role": "assistant", "content": text},
        **({"finish_reason": reason} if reason else {}),
        **more,
    }
    return json.dumps({"choices": [choice], **({"usage": usage} if usage else {})}).encode()


def completions(texts: Sequence[object], *, reason: str | None = None, usage: object = None) -> bytes:
    """The body of a reply with several choices."""
    bodies = [json.loads(completion(text, reason=reason, usage=usage)) for text in texts]
    return json.dumps({**bodies[0], "choices": [body["choices"][0] for body in bodies]}).encode()


@contextmanager
def serving(
    answer: Answer, models: tuple[int, bytes] = (404, b"")
) -> Iterator[tuple[str, list[tuple[str, dict[str, Any], str | None]]]]:
    """A server on loopback; yields its base address and the requests as they come (path, body, key).

    `models` is its reply to a request for its models.
    """
    seen: list[tuple[str, dict[str, Any], str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, body, self.headers.get("Authorization")))
            self.reply(*answer(body))

        def do_GET(self) -> None:
            seen.append((self.path, {}, self.headers.get("Authorization")))
            self.reply(*models)

        def reply(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            # A client that gave up waiting has hung up.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
