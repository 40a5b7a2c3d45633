"""Feeds that a server under measurement loads over HTTP, as it does in use: zips of this folder and that."""
import http.server, os, sqlite3, threading


class FeedServer:
    """Serves a zip for each name of a feed; which one it is may change at any time (`paths`)."""

    def __init__(self, paths):
        """`paths` are files called NAME.zip."""
        self.originals = {os.path.basename(path).removesuffix(".zip"): path for path in paths}
        self.paths = dict(self.originals)
        served = self.paths

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with open(served[self.path.strip("/").removesuffix(".zip")], "rb") as file:
                    body = file.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"

    def point(self, data_dir):
        """Gives the feeds of a store that nobody serves their addresses here; commands know public ones only."""
        with sqlite3.connect(os.path.join(data_dir, "parapet.db")) as db:
            for name in self.originals:
                db.execute("UPDATE feed SET location = ?, etag = '' WHERE name = ?", (f"{self.url}/{name}.zip", name))
