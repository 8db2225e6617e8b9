"""Bytes on the wire: a threaded HTTP/1.1 server that keeps connections alive and lets a script break them.

The development server of Werkzeug closes every connection and WSGI servers hide the socket; Shopify does the first never and a fake
must do the second on purpose.
"""

from __future__ import annotations

import io
import re
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
MAX_BODY_BYTES = 120 * 2**20
MAX_DRAIN_BYTES = 2**20


class Malformed(Exception):
    """The request cannot be read; answered 400, and the connection ends."""


class ConnectionCut(Exception):
    """Raised by the application to break the connection at once; the client sees a reset."""


class _Chunked(io.RawIOBase):
    """The body of a request with `Transfer-Encoding: chunked`."""

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source, self._left, self._ended = source, 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left == 0 and not self._ended:
            self._left = self._next_size()
            if self._left == 0:
                self._ended = True
                while self._source.readline(1024).strip():
                    pass
        if self._ended:
            return 0
        data = self._source.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        if self._left == 0:
            self._source.readline(8)
        return len(data)

    def _next_size(self) -> int:
        size = self._source.readline(64).split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            raise Malformed
        return int(size, 16)


class _Limited(io.RawIOBase):
    """The body of a request with `Content-Length`."""

    def __init__(self, source: Any, length: int) -> None:
        super().__init__()
        self._source, self._left = source, length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


class Handler(BaseHTTPRequestHandler):
    """One connection: requests one after the other until either side closes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing; the control log shows more."""

    def serve_one(self) -> None:
        """Run the application for one request."""
        try:
            body = self._body()
            self._respond(self._environ(body))
        except ConnectionCut:
            self._reset()
        except Malformed:
            self.close_connection = True
            self._send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        else:
            self._drain(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = serve_one  # noqa: N815

    def _body(self) -> Any:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return io.BufferedReader(_Chunked(self.rfile))
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,12}", length):
            raise Malformed
        return io.BufferedReader(_Limited(self.rfile, int(length)))

    def _drain(self, body: Any) -> None:
        """Read what the application left of the body, so that the next request starts where it should."""
        if len(body.read(MAX_DRAIN_BYTES)) == MAX_DRAIN_BYTES:
            self.close_connection = True

    def _environ(self, body: Any) -> dict[str, Any]:
        parts = urlsplit(self.path)
        environ = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if "Content-Length" in self.headers:
            environ["CONTENT_LENGTH"] = self.headers["Content-Length"]
        for name in self.headers:
            environ["HTTP_" + name.upper().replace("-", "_")] = ",".join(self.headers.get_all(name) or ())
        return environ

    def _respond(self, environ: dict[str, Any]) -> None:
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
            head[:] = [status, headers]
            return self.wfile.write

        answer = self.server.application(environ, start_response)
        try:
            chunks = iter(answer)
            first = next(chunks, b"")
            status, headers = head
            sized = any(name.lower() == "content-length" for name, _ in headers)
            self._send(self._head(status, headers, sized) + self._chunk(first, sized))
            for chunk in chunks:
                self._send(self._chunk(chunk, sized))
            if not sized:
                self._send(b"0\r\n\r\n")
        finally:
            getattr(answer, "close", lambda: None)()

    def _head(self, status: str, headers: list[tuple[str, str]], sized: bool) -> bytes:
        lines = [f"HTTP/1.1 {status}", f"Date: {self.date_time_string()}", *(f"{name}: {value}" for name, value in headers)]
        if not sized:
            lines.append("Transfer-Encoding: chunked")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _chunk(self, data: bytes, sized: bool) -> bytes:
        if self.command == "HEAD":
            return b""
        return data if sized or not data else b"%x\r\n%s\r\n" % (len(data), data)

    def _send(self, data: bytes) -> None:
        if data:
            self.wfile.write(data)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())


class Server(ThreadingHTTPServer):
    """Serves one application; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, application: Application) -> None:
        self.application = application
        super().__init__((host, port), Handler)
        self.server_name = host

    def server_bind(self) -> None:
        """Bind without looking the host's name up."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_port = int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is the client's business; anything else is ours and shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError | OSError):
            super().handle_error(request, client_address)
