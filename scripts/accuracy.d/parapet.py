"""What Parapet says of an image: its packages and its findings, asked for as a user would."""

import dataclasses
import json
import re
import subprocess
import urllib.parse


@dataclasses.dataclass(frozen=True, order=True)
class Package:
    """A package as package lists compare it: the type of its purl, its full name and its version."""

    kind: str
    name: str
    version: str

    def __str__(self):
        return f"{self.kind} {self.name} {self.version}"


class Parapet:
    """The program and the feeds it judges by."""

    def __init__(self, binary, feeds):
        self.binary, self.feeds = binary, feeds

    def _scan(self, target, form, feeds):
        command = [self.binary, "scan", target, "--format", form]
        for feed in feeds:
            command += ["--feed", str(feed)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def packages(self, target):
        """All packages, by package URL."""
        document = json.loads(self._scan(target, "cyclonedx", []))
        return of_components(document["components"])

    def findings(self, target, feed):
        """Findings by the records of one feed, as dictionaries."""
        if not (self.feeds / feed).exists():
            raise RuntimeError(f"there is no {feed} in {self.feeds}")
        rows = self._scan(target, "jsonl", [self.feeds / feed]).splitlines()
        return [json.loads(row) for row in rows]


def of_components(components):
    """The packages of a CycloneDX document, whoever wrote it."""
    found = set()
    for component in components:
        purl = component.get("purl")
        if purl:
            found.add(of_purl(purl, component.get("version", "")))
    return found


def of_purl(purl, version):
    """A package by its purl; the version is the component's own word, which carries the epoch."""
    path = re.match(r"pkg:([^@?#]+)", purl).group(1)
    kind, _, rest = path.partition("/")
    name = urllib.parse.unquote(rest)
    if kind in ("deb", "rpm", "apk"):
        name = name.rpartition("/")[2]
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    if kind == "golang":
        # Written with or without the prefix of tags and of the toolchain.
        version = re.sub(r"^(v|go)(?=[0-9])", "", version)
    if kind == "rpm":
        # An epoch may be written or left out where it is zero.
        version = version.removeprefix("0:")
    return Package(kind, name, version)
