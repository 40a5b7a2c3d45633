"""Feeds that a server under measurement loads over HTTP, as it does in use: zips of this folder and that."""
import http.server, os, sqlite3, threading


def serve(zip_of):
    """Serves what `zip_of(NAME)` gives for /NAME.zip; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = zip_of(self.path.strip("/").removesuffix(".zip"))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def point(data_dir, url, names):
    """Gives feeds of a store that nobody serves their addresses there; commands know public ones only."""
    with sqlite3.connect(os.path.join(data_dir, "parapet.db")) as db:
        for name in names:
            db.execute("UPDATE feed SET location = ?, etag = '' WHERE name = ?", (f"{url}/{name}.zip", name))


class FeedServer:
    """Serves a zip for each name of a feed; which one it is may change at any time (`paths`)."""

    def __init__(self, paths):
        """`paths` are files called NAME.zip."""
        self.originals = {os.path.basename(path).removesuffix(".zip"): path for path in paths}
        self.paths = dict(self.originals)
        self.url = serve(self.read)

    def read(self, name):
        with open(self.paths[name], "rb") as file:
            return file.read()

    def point(self, data_dir):
        point(data_dir, self.url, self.originals)
