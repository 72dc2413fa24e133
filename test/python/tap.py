"""A wire tap between a driver and the gateway: every byte of every answer, as it was before anybody decoded it."""

import gzip
import http.client
import http.server
import json
import threading
import urllib.parse
import zlib
from base64 import b64decode


class Tap:
    """Passes requests on to `target`; the Host header stays, so addresses of chunks lead through the tap as well."""

    def __init__(self, target):
        self.target = urllib.parse.urlparse(target)
        self.bodies = []
        tap = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                tap._pass_on(self)

            do_GET = do_POST = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _pass_on(self, handler):
        length = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(length) if length else None
        onward = http.client.HTTPConnection(self.target.hostname, self.target.port, timeout=60)
        onward.request(handler.command, handler.path, body, dict(handler.headers.items()))
        answer = onward.getresponse()
        raw = answer.read()
        self.bodies.append(decompress(raw, answer.headers.get("content-encoding")))
        handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "keep-alive"):
                handler.send_header(name, value)
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)
        onward.close()

    def received(self):
        """All bodies in one, with the Arrow streams inside JSON answers as bytes."""
        return b"\n".join([*self.bodies, *(stream for body in self.bodies for stream in inline_stream(body))])

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def decompress(body, encoding):
    if body[:2] == b"\x1f\x8b":
        return gzip.decompress(body)
    return zlib.decompress(body) if encoding == "deflate" else body


def inline_stream(body):
    if not body.startswith(b"{"):
        return []
    data = json.loads(body).get("data")
    encoded = data.get("rowsetBase64") if isinstance(data, dict) else None
    return [b64decode(encoded)] if encoded else []
