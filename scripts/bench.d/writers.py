"""What goes on in a server while a bench asks it: images that a sensor reports, and a feed that is imported.

`Writers(address, user, password, feed)` reports an image every PAUSE seconds, as `parapet sensor` does, and keeps
one feed being brought up to date from a server of its own that changes every tenth record each time. `start`,
`stop`; `images`, `late` and `imports` say what was done.
"""
import base64, http.client, io, json, random, threading, time, urllib.parse, zipfile

PAUSE = 0.1
PACKAGES = 120


class Changing:
    """A zip of OSV records of which every tenth is another one each time it is asked for."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as file:
            names = [name for name in file.namelist() if name.endswith(".json")]
            self.records = [(name, json.loads(file.read(name))) for name in names]
        self.served = 0

    def zip(self, _name):
        self.served += 1
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
            for at, (name, record) in enumerate(self.records):
                if at % 10 == self.served % 10:
                    record = {**record, "details": f"{record.get('details', '')} ({self.served})"}
                file.writestr(name, json.dumps(record))
        return out.getvalue()


class Writers:
    def __init__(self, address, user, password, feed=None):
        self.address, self.feed = address, feed
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode(),
                        "Content-Type": "application/json"}
        self.images = self.late = self.imports = 0
        self.random = random.Random(1)
        self.ended = threading.Event()
        self.threads = []
        self.known = self.packages()
        self.sensor = self.ask("POST", "/api/v1/sensors/register",
                               {"identity": "0" * 31 + "1", "name": "bench", "hostname": "bench"})["sensor"]

    def ask(self, method, path, body=None, connection=None):
        connection = connection or http.client.HTTPConnection(self.address)
        connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text[:1] in (b"{", b"[") else text.decode()

    def packages(self):
        """Versions that assets of the store have, of which images are put together."""
        query = urllib.parse.urlencode({"where": "ecosystem = \"Debian:12\"", "limit": 1000})
        page = self.ask("GET", f"/api/v1/findings?{query}")
        found = {(row["package"], row["version"]) for row in page["findings"]}
        return sorted(found) or [(f"bench-{at}", "1.0-1") for at in range(PACKAGES)]

    def image(self):
        at = self.images
        digest = "sha256:" + "".join(self.random.choices("0123456789abcdef", k=64))
        chosen = self.random.sample(self.known, min(PACKAGES, len(self.known)))
        # Most of an image is known; something is not.
        chosen.append((f"bench-own-{at}", f"1.{at}"))
        found = [{"package": {"ecosystem": "Debian:12", "name": name, "version": version, "arch": "amd64",
                              "source_name": name, "source_version": version, "module": ""},
                  "paths": [], "database": "dpkg"} for name, version in sorted(chosen)]
        layer = "sha256:" + "".join(self.random.choices("0123456789abcdef", k=64))
        return {"name": f"bench/app-{at % 50}:{at}", "config": digest, "digests": [], "facts": {},
                "inventory": {"distro": {"id": "debian", "version": "12", "name": "Debian 12", "ecosystem": "Debian:12"},
                              "layers": [{"layer": layer, "set": {"packages": found}}], "databases": [], "reader_version": 1}}

    def report(self):
        connection, due = http.client.HTTPConnection(self.address), time.monotonic()
        while not self.ended.is_set():
            due += PAUSE
            if time.monotonic() > due:
                self.late += 1
                due = time.monotonic()
            self.ended.wait(due - time.monotonic())
            self.ask("POST", "/api/v1/sensors/report", {"sensor": self.sensor, "observed": int(time.time() * 1000),
                                                        "contents": [self.image()]}, connection)
            self.images += 1

    def import_feed(self):
        while not self.ended.is_set():
            job = self.ask("POST", "/api/v1/feeds/sync", {"feeds": [self.feed]})["job"]
            while not self.ended.wait(0.5):
                state = self.ask("GET", f"/api/v1/jobs/{job}")["state"]
                if state in ("succeeded", "failed", "cancelled"):
                    if state != "succeeded":
                        raise SystemExit(f"the import of {self.feed} {state}")
                    self.imports += 1
                    break

    def start(self):
        for work in (self.report, self.import_feed) if self.feed else (self.report,):
            thread = threading.Thread(target=work)
            thread.start()
            self.threads.append(thread)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
