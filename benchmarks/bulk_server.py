"""Shopify's storage for the benchmarks: a process that serves the files of one directory over HTTP, as fast as the kernel does it.

python -m benchmarks.bulk_server <directory>      prints its origin when it listens
"""

from __future__ import annotations

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Storage(BaseHTTPRequestHandler):
    """Answers GET, from the middle of a file too."""

    directory = Path()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        file = self.directory / Path(self.path).name
        size = file.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        self.wfile.flush()
        with file.open("rb") as body:
            self.connection.sendfile(body, offset=start)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(directory: str) -> None:
    Storage.directory = Path(directory)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
