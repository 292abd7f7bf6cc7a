"""A tiny package index on this machine, for tests of what reads one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Server(ThreadingHTTPServer):
    """Serves *pages* by path; ranges as told; notes what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.failures: list[int] = []
        self.moved: dict[str, str] = {}
        self.has_ranges = True
        self.asked: list[tuple[str, str | None, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple/"

    def add_file(self, name: str, content: bytes) -> str:
        """Serve *content* under *name*; the address of the file."""
        self.pages[f"/files/{name}"] = ("application/octet-stream", content)
        return self.url.replace("/simple/", f"/files/{name}")


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.server.asked.append((self.path, span, self.headers.get("Authorization")))
        if self.server.failures:
            return self.answer(self.server.failures.pop(), b"")
        if self.path in self.server.moved:
            return self.answer(302, b"", Location=self.server.moved[self.path])
        if self.path not in self.server.pages:
            return self.answer(404, b"")
        kind, content = self.server.pages[self.path]
        if not (span and self.server.has_ranges):
            return self.answer(200, content, **{"Content-Type": kind})
        first, last = span.removeprefix("bytes=").split("-")
        start = int(first) if first else max(0, len(content) - int(last))
        part = content[start : int(last) + 1 if first else None]
        where = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        return self.answer(206, part, **{"Content-Range": where})

    def do_HEAD(self) -> None:
        kind, content = self.server.pages.get(self.path, ("", b""))
        status = 200 if self.path in self.server.pages else 404
        self.answer(status, b"", **{"Content-Type": kind, "Content-Length": str(len(content))})

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@contextmanager
def serve_index() -> Iterator[Server]:
    """An empty index, until the end of the block."""
    with Server() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def make_wheel(metadata: str, *, folder: str, padding: int = 0) -> bytes:
    """A wheel with *metadata* in *folder* at its end, behind *padding* bytes of code."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("code.py", b"#" * padding)
        archive.writestr(f"{folder}/METADATA", metadata)
    return stream.getvalue()
