"""Why the two sides of a comparison may differ, each cause with the test that shows it.

A difference that no cause explains fails the scoreboard. A cause looks at the image itself, never
only at a name, so that it cannot explain a mistake away.
"""

import json
import struct
import zlib


def _owned(image, paths):
    """Whether a package of the distribution lists one of the files."""
    owned = _owned.cache.get(image.name)
    if owned is None:
        owned = set()
        for path in image.find("var/lib/dpkg/info/*.list"):
            owned.update(line.lstrip("/") for line in path.read_text(errors="replace").splitlines())
        _owned.cache[image.name] = owned
    return any(path in owned for path in paths)


_owned.cache = {}


def belongs_to_distribution(comparison, image, side, item):
    """the files belong to a distribution's package, which is judged instead"""
    return side == "theirs" and _owned(image, comparison.context.get(item, []))


def binary_classifier(comparison, image, side, item):
    """guessed from the text inside a program; no database names it"""
    return side == "theirs" and any(word == "by binary-classifier-cataloger" for word in comparison.context.get(item, []))


def operating_system_component(comparison, image, side, item):
    """a purl of the operating system or of a file, not of a package"""
    return side == "theirs" and getattr(item, "kind", "") in ("generic", "github")


def _npm(image, name):
    """The versions of a module that lock files name, and those that are installed beside them."""
    locked, installed = set(), set()
    for path in image.find("*/package-lock.json", "srv/*/package-lock.json", "*/*/package-lock.json"):
        for place, entry in json.loads(path.read_text()).get("packages", {}).items():
            if place.rpartition("node_modules/")[2] == name:
                locked.add(entry.get("version"))
        for module in path.parent.glob(f"**/node_modules/{name}/package.json"):
            installed.add(json.loads(module.read_text()).get("version"))
    return locked, installed


def application_itself(comparison, image, side, item):
    """the application that the lock file is of; nobody installed it as a package"""
    if side != "theirs" or getattr(item, "kind", "") != "npm":
        return False
    return any(json.loads(path.read_text()).get("name") == item.name for path in image.find("*/package.json"))


def lock_differs_from_modules(comparison, image, side, item):
    """the lock file names it, the folder of modules holds another version or none; what is installed counts"""
    kind, name = ("npm", item[0]) if isinstance(item, tuple) else (getattr(item, "kind", ""), getattr(item, "name", ""))
    if kind != "npm":
        return False
    locked, installed = _npm(image, name)
    return bool(locked or installed) and locked != installed


def program_itself(comparison, image, side, item):
    """the program that carries the list; it was built here and is nobody's package"""
    if side != "theirs" or getattr(item, "kind", "") != "cargo":
        return False
    for path in comparison.context.get(item, []):
        for package in _audited(image.root / path).get("packages", []):
            if package.get("root") and (package["name"], package["version"]) == (item.name, item.version):
                return True
    return False


def _audited(path):
    """The list in the section `.dep-v0` of a program, by ELF's tables."""
    if not path.is_file():
        return {}
    program = path.read_bytes()
    if program[:4] != b"\x7fELF":
        return {}
    (table,), (size, count, names) = struct.unpack_from("<Q", program, 40), struct.unpack_from("<HHH", program, 58)
    section = lambda n: struct.unpack_from("<IIQQQQ", program, table + n * size)
    texts = section(names)[4]
    for number in range(count):
        name, _, _, _, at, length = section(number)
        if program[texts + name :].startswith(b".dep-v0\0"):
            return json.loads(zlib.decompress(program[at : at + length]))
    return {}


CAUSES = [
    belongs_to_distribution,
    binary_classifier,
    operating_system_component,
    application_itself,
    lock_differs_from_modules,
    program_itself,
]


def cause(comparison, image, side, item):
    """The first cause that explains an item which one side alone has."""
    return next((known.__doc__ for known in CAUSES if known(comparison, image, side, item)), None)
