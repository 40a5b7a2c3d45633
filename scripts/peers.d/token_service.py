"""A token service for a registry with bearer authentication, for the tests.

    token_service.py DIR PORT

Signs with DIR/token.key; anyone may pull public/*, the user scanner / scan-pass may do everything.
Follows the token authentication specification of the CNCF Distribution project.
"""

import base64
import json
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])
CREDENTIALS = "Basic " + base64.b64encode(b"scanner:scan-pass").decode()
CERTIFICATE = base64.b64encode((FOLDER / "token.der").read_bytes()).decode()


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sign(claims: dict) -> str:
    header = {"typ": "JWT", "alg": "RS256", "x5c": [CERTIFICATE]}
    text = ".".join(segment(json.dumps(part).encode()) for part in (header, claims))
    command = ["openssl", "dgst", "-sha256", "-sign", str(FOLDER / "token.key")]
    return text + "." + segment(subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout)


def granted(scopes: list[str], known: bool) -> list[dict]:
    access = []
    for scope in " ".join(scopes).split():
        kind, rest = scope.split(":", 1)
        name, actions = rest.rsplit(":", 1)
        if known:
            allowed = actions.split(",")
        else:
            allowed = ["pull"] if kind == "repository" and name.startswith("public/") and "pull" in actions else []
        if allowed:
            access.append({"type": kind, "name": name, "actions": allowed})
    return access


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        offered = self.headers.get("Authorization")
        if offered not in (None, CREDENTIALS):
            return self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong credentials"}]})
        query = parse_qs(urlsplit(self.path).query)
        now = int(time.time())
        token = sign({
            "iss": "peers", "aud": query.get("service", ["peers"])[0], "sub": "scanner" if offered else "",
            "iat": now, "nbf": now - 5, "exp": now + 300, "jti": str(now),
            "access": granted(query.get("scope", []), offered is not None),
        })
        return self.answer(200, {"token": token, "expires_in": 300})

    def answer(self, status: int, document: dict):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
