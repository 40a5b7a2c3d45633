"""An OCI layout on disk, unpacked the plain way, so that oracles which want a file system get one."""

import json
import os
import pathlib
import shutil
import subprocess
import tarfile


def targets(layout):
    """What the layout holds, as `oci:DIR[:TAG]` targets and their descriptors."""
    found = {}
    for descriptor in json.loads((layout / "index.json").read_text())["manifests"]:
        tag = descriptor.get("annotations", {}).get("org.opencontainers.image.ref.name")
        found.setdefault(f"oci:{layout}:{tag}" if tag else f"oci:{layout}", descriptor)
    return found


def layers(layout, descriptor):
    """Paths and media types of the layers of an image; of an index, those of the one for amd64."""
    blob = lambda digest: layout / "blobs" / digest.replace(":", "/")
    document = json.loads(blob(descriptor["digest"]).read_text())
    while "manifests" in document:
        chosen = next(
            (m for m in document["manifests"] if m.get("platform", {}).get("architecture") == "amd64"),
            document["manifests"][0],
        )
        document = json.loads(blob(chosen["digest"]).read_text())
    return [(blob(layer["digest"]), layer["mediaType"]) for layer in document.get("layers", [])]


def unpack(layout, descriptor, root):
    """Applies the layers in their order, with whiteouts and opaque folders. Files only: no owners."""
    root.mkdir(parents=True)
    for path, media in layers(layout, descriptor):
        _apply(path, media, root)
    return root


def _apply(path, media, root):
    unpacker = "zstd -dcq" if "zstd" in media else "gzip -dcf"
    # Some writers leave out the end of the archive, which this library insists on.
    command = ["sh", "-c", f'{unpacker} "$0" && head -c 10240 /dev/zero', str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            written = set()
            for member in archive:
                _member(archive, member, root, written)
        process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"{path}: {unpacker} failed")


def _member(archive, member, root, written):
    parts = [p for p in pathlib.PurePosixPath(member.name).parts if p not in ("/", ".")]
    if not parts or ".." in parts:
        return
    parent, name = root.joinpath(*parts[:-1]), parts[-1]
    if not os.path.realpath(parent).startswith(os.path.realpath(root)):
        return
    if name == ".wh..wh..opq":
        for child in list(parent.iterdir()) if parent.is_dir() else []:
            if child not in written:
                _remove(child)
        return
    if name.startswith(".wh."):
        _remove(parent / name[4:])
        return
    target = parent / name
    parent.mkdir(parents=True, exist_ok=True)
    written.update(p for p in target.parents)
    written.add(target)
    if member.isdir():
        if target.is_symlink() or target.is_file():
            _remove(target)
        target.mkdir(exist_ok=True)
    elif member.issym():
        _remove(target)
        target.symlink_to(member.linkname)
    elif member.islnk():
        source = root.joinpath(*[p for p in pathlib.PurePosixPath(member.linkname).parts if p not in ("/", ".", "..")])
        _remove(target)
        if source.is_file():
            shutil.copyfile(source, target)
    elif member.isfile():
        _remove(target)
        with archive.extractfile(member) as source, open(target, "wb") as file:
            shutil.copyfileobj(source, file)


def _remove(path):
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
