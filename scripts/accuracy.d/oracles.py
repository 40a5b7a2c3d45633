"""The oracles: tools that list packages or find vulnerabilities, each in one function.

An oracle takes an `Image` and the `Parapet` beside it and gives a `Comparison`, or None where the
image holds nothing it could speak of.
"""

import collections
import dataclasses
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import zipfile
import zlib

from parapet import Package, of_components


@dataclasses.dataclass
class Image:
    """One image: what scans are told, its unpacked file system, and a folder for what oracles write."""

    name: str
    target: str
    root: pathlib.Path
    work: pathlib.Path
    tools: pathlib.Path

    def find(self, *patterns):
        """Files and folders of the image by glob."""
        return sorted(path for pattern in patterns for path in self.root.glob(pattern))


@dataclasses.dataclass
class Comparison:
    """What both sides say. `context` tells causes more of an item of theirs."""

    ours: set
    theirs: set
    context: dict = dataclasses.field(default_factory=dict)


def run(*command, ok=(0,), **options):
    """The output of a command, which must end with one of the codes of `ok`."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode not in ok:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def of_kinds(packages, *kinds):
    return {package for package in packages if package.kind in kinds}


def dpkg_query(image, parapet):
    """dpkg-query: installed packages of the dpkg database."""
    if not image.find("var/lib/dpkg/status"):
        return None
    listed = run("dpkg-query", f"--admindir={image.root}/var/lib/dpkg", "-W",
                 "-f", "${db:Status-Status} ${Package} ${Version}\n")
    theirs = {Package("deb", *line.split()[1:]) for line in listed.splitlines() if line.startswith("installed ")}
    return Comparison(of_kinds(parapet.packages(image.target), "deb"), theirs)


def rpm_query(image, parapet):
    """rpm: installed packages of the rpm database."""
    databases = image.find("var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages*", "usr/lib/sysimage/rpm/rpmdb.sqlite")
    if not databases:
        return None
    listed = run("rpm", "--dbpath", databases[0].parent, "-qa",
                 "--qf", "%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n")
    theirs = {Package("rpm", *line.replace(" 0:", " ").split()) for line in listed.splitlines()}
    return Comparison(of_kinds(parapet.packages(image.target), "rpm"), theirs)


def importlib_metadata(image, parapet):
    """Python's importlib.metadata: distributions in the folders Python looks into."""
    folders = image.find("usr/lib/python3/dist-packages", "usr/local/lib/python3*/*-packages", "usr/lib/python3.*/*-packages")
    if not folders:
        return None
    code = (
        "import importlib.metadata as m, json, sys;"
        "print(json.dumps([[d.metadata['Name'], d.version, str(d._path)] for d in m.distributions(path=sys.argv[1:])]))"
    )
    theirs, context = set(), {}
    for name, version, path in json.loads(run(sys.executable, "-c", code, *folders)):
        package = Package("pypi", re.sub(r"[-_.]+", "-", name).lower(), version)
        theirs.add(package)
        context[package] = [str(pathlib.Path(path).relative_to(image.root))]
    return Comparison(of_kinds(parapet.packages(image.target), "pypi"), theirs, context)


def npm_ls(image, parapet):
    """npm ls: the modules of each application that has a lock file."""
    applications = [path.parent for path in image.find("*/package-lock.json", "srv/*/package-lock.json", "*/*/package-lock.json")]
    if not applications:
        return None
    theirs = set()
    for folder in sorted(set(applications)):
        # It complains of what is missing or extraneous by its exit code, and lists the rest.
        tree = json.loads(run("npm", "ls", "--all", "--json", "--prefix", folder, ok=(0, 1), cwd=folder))
        walk = [tree]
        while walk:
            node = walk.pop()
            for name, child in node.get("dependencies", {}).items():
                if "version" in child and not child.get("missing"):
                    theirs.add(Package("npm", name, child["version"]))
                walk.append(child)
    return Comparison(of_kinds(parapet.packages(image.target), "npm"), theirs)


def syft(image, parapet):
    """syft: packages of every kind."""
    output = run(image.tools / "syft", "scan", f"dir:{image.root}", "-q", "-o", "cyclonedx-json",
                 env={**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"})
    components = json.loads(output).get("components", [])
    theirs = of_components(components)
    context = collections.defaultdict(list)
    for component in components:
        if not component.get("purl"):
            continue
        package = next(iter(of_components([component])))
        for item in component.get("properties", []):
            if item["name"].endswith(":path"):
                context[package].append(item["value"].lstrip("/"))
            if item["name"] == "syft:package:foundBy":
                context[package].append("by " + item["value"])
    return Comparison(parapet.packages(image.target), theirs, dict(context))


def debsecan(image, parapet):
    """debsecan: CVEs of a Debian system, by a database made from the records of the feed."""
    release = image.find("etc/os-release", "usr/lib/os-release")
    status = image.find("var/lib/dpkg/status")
    if not release or not status:
        return None
    words = dict(line.split("=", 1) for line in release[0].read_text().splitlines() if "=" in line)
    if words.get("ID", "").strip('"') != "debian":
        return None
    version = words["VERSION_ID"].strip('"')
    folder = image.work / "debsecan"
    folder.mkdir(exist_ok=True)
    (folder / "suite").write_bytes(_debsecan_database(parapet.feeds / "Debian.zip", f"Debian:{version}"))
    listed = run("/usr/bin/python3", "/usr/bin/debsecan", "--source", f"file://{folder}", "--suite", "suite",
                 "--status", status[0], "--format", "bugs")
    ours = {row["vulnerability"] for row in parapet.findings(image.target, "Debian.zip") if row["class"] == "vulnerability"}
    return Comparison(ours, set(listed.split()))


def _debsecan_database(feed, ecosystem):
    """debsecan's own format, version 1: texts, then source packages, then nothing of binary ones."""
    numbers, rows = {}, []
    with zipfile.ZipFile(feed) as archive:
        for name in archive.namelist():
            record = json.loads(archive.read(name))
            if not record["id"].startswith("DEBIAN-CVE") or record.get("withdrawn"):
                continue
            number = numbers.setdefault(record["id"].removeprefix("DEBIAN-"), len(numbers))
            for affected in record.get("affected", []):
                if affected["package"]["ecosystem"] != ecosystem:
                    continue
                events = [event for r in affected.get("ranges", []) for event in r["events"]]
                fixed = [event["fixed"] for event in events if "fixed" in event]
                flags = "S ?F" if fixed else "S ? "
                rows.append(f"{affected['package']['name']},{number},{flags},{fixed[-1] if fixed else ''},")
    text = ["VERSION 1", *(f"{cve},,-" for cve in numbers), "", *rows, "", ""]
    return zlib.compress(("\n".join(text) + "\n").encode())


class _Answers(http.server.BaseHTTPRequestHandler):
    """Answers for one oracle on loopback; the server carries what they are made of."""

    def log_message(self, *_):
        pass

    def _send(self, document, status=200):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = zlib.decompress(body, 31)
        self._send(self.server.answer(json.loads(body)))

    def do_GET(self):
        document = self.server.document(self.path)
        self._send(document or {"error": "Not found"}, 200 if document else 404)


def _serve(answer, document=lambda path: None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.answer, server.document = answer, document
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


def _records(feed, ecosystem):
    """The standing records of a feed by the name of the package."""
    records = collections.defaultdict(list)
    with zipfile.ZipFile(feed) as archive:
        for name in archive.namelist():
            record = json.loads(archive.read(name))
            if record.get("withdrawn"):
                continue
            for affected in record.get("affected", []):
                if affected["package"]["ecosystem"] == ecosystem:
                    records[affected["package"]["name"]].append((record, affected))
    return records


def _canonical(records):
    """One id for each record: the CVE it stands for, else its own."""
    return {
        record["id"]: min((alias for alias in record.get("aliases", []) if alias.startswith("CVE-")), default=record["id"])
        for found in records.values()
        for record, _ in found
    }


def pip_audit(image, parapet):
    """pip-audit: vulnerabilities of the installed Python distributions, asked of the feed by version."""
    folders = image.find("usr/lib/python3/dist-packages", "usr/local/lib/python3*/dist-packages")
    if not folders:
        return None
    from packaging.version import InvalidVersion, Version

    records = _records(parapet.feeds / "PyPI.zip", "PyPI")
    canonical = _canonical(records)

    def affected(entry, version):
        if version in entry.get("versions", []):
            return True
        for span in entry.get("ranges", []):
            if span["type"] != "ECOSYSTEM":
                continue
            inside = False
            for event in span["events"]:
                try:
                    at = Version("0" if (word := next(iter(event.values()))) == "0" else word)
                    if "introduced" in event and Version(version) >= at:
                        inside = True
                    if "fixed" in event and Version(version) >= at or "last_affected" in event and Version(version) > at:
                        inside = False
                except InvalidVersion:
                    continue
            if inside:
                return True
        return False

    def answer(query):
        name = re.sub(r"[-_.]+", "-", query["package"]["name"]).lower()
        found = {r["id"]: r for r, entry in records.get(name, []) if affected(entry, query["version"])}
        return {"vulns": list(found.values())} if found else {}

    server, address = _serve(answer)
    try:
        theirs = set()
        command = [image.tools / "pip-audit", "-s", "osv", "--osv-url", f"{address}/v1/query", "-f", "json", "--progress-spinner", "off"]
        for folder in folders:
            command += ["--path", folder]
        for package in json.loads(run(*command, ok=(0, 1)))["dependencies"]:
            for vulnerability in package.get("vulns", []):
                ids = [vulnerability["id"], *vulnerability.get("aliases", [])]
                cve = min((i for i in ids if i.startswith("CVE-")), default=canonical.get(vulnerability["id"], vulnerability["id"]))
                theirs.add((re.sub(r"[-_.]+", "-", package["name"]).lower(), cve))
    finally:
        server.shutdown()
    rows = parapet.findings(image.target, "PyPI.zip")
    ours = {(row["package"], row["vulnerability"]) for row in rows if row["ecosystem"] == "PyPI"}
    return Comparison(ours, theirs)


def npm_audit(image, parapet):
    """npm audit: vulnerable modules by npm's own ranges, against a registry that serves the feed."""
    locks = image.find("*/package-lock.json", "srv/*/package-lock.json", "*/*/package-lock.json")
    if not locks:
        return None
    records = _records(parapet.feeds / "npm.zip", "npm")
    canonical = _canonical(records)
    rows = parapet.findings(image.target, "npm.zip")
    # npm names a package and a record; so do we, whatever the number of copies.
    ours = {(row["package"], row["vulnerability"]) for row in rows if row["ecosystem"] == "npm"}
    theirs = set()
    numbers = {record: number for number, record in enumerate(sorted(canonical), 1)}
    by_number = {number: record for record, number in numbers.items()}

    for lock in locks:
        installed = collections.defaultdict(set)
        for path, entry in json.loads(lock.read_text()).get("packages", {}).items():
            if path:
                installed[path.rpartition("node_modules/")[2]].add(entry.get("version", ""))

        def answer(asked):
            return {
                name: [
                    {"id": numbers[record["id"]], "url": "https://osv.dev/" + record["id"], "title": record["id"],
                     "severity": "moderate", "vulnerable_versions": _npm_range(entry)}
                    for record, entry in records[name]
                ]
                for name in asked if records.get(name)
            }

        def document(path):
            name = path.lstrip("/").replace("%2f", "/").replace("%2F", "/")
            if name not in installed:
                return None
            versions = sorted(installed[name])
            return {"name": name, "dist-tags": {"latest": versions[-1]},
                    "versions": {v: {"name": name, "version": v, "dist": {"tarball": ""}} for v in versions}}

        server, address = _serve(answer, document)
        try:
            cache = image.work / "npm-cache"
            report = json.loads(run("npm", "audit", "--json", "--registry", address, "--cache", cache,
                                    "--prefix", lock.parent, ok=(0, 1), cwd=lock.parent))
        finally:
            server.shutdown()
        if "vulnerabilities" not in report:
            raise RuntimeError(f"npm audit: {report}")
        for name, entry in report["vulnerabilities"].items():
            for via in entry["via"]:
                if isinstance(via, dict):
                    theirs.add((name, canonical[by_number[via["source"]]]))
    return Comparison(ours, theirs)


def _npm_range(entry):
    """The ranges and versions of an OSV entry in npm's words."""
    parts = [f"={version}" for version in entry.get("versions", [])]
    for span in entry.get("ranges", []):
        if span["type"] not in ("SEMVER", "ECOSYSTEM"):
            continue
        start = None
        for event in span["events"]:
            if "introduced" in event:
                start = event["introduced"]
            elif "fixed" in event:
                parts.append(f">={start} <{event['fixed']}")
                start = None
            elif "last_affected" in event:
                parts.append(f">={start} <={event['last_affected']}")
                start = None
        if start is not None:
            parts.append(f">={start}")
    return " || ".join(parts) or "<0.0.0-0"


ORACLES = [dpkg_query, rpm_query, importlib_metadata, npm_ls, syft, debsecan, pip_audit, npm_audit]
