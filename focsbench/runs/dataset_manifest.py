"""What the files of a real dataset are, byte by byte, without reading them all every time.

The content of every file is hashed once. After that a file whose size, time of change and inode
are what they were counts as unchanged, so that a dataset of half a million files costs one look at
each. The hashes are kept in the user's cache; where they are lost, everything is read again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focsbench.errors import InputError, StorageError
from focsbench.files import sha256_of, write_atomically
from focsbench.paths import cache_dir
from focsbench.progress import track

# A file that changed in the last moments may change again without its time telling.
FRESH = 2.0  # seconds
READERS = 8  # files read at the same time


@dataclass(frozen=True)
class _Seen:
    """One file: its state, and its hash once known."""

    size: int
    changed: int  # ns; set by the system, which no copying program can put back
    inode: int
    sha256: str = ""

    def same(self, other: _Seen) -> bool:
        mine = (self.size, self.changed, self.inode)
        return mine == (other.size, other.changed, other.inode)


def manifest(paths: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Return by field how many files there are, their bytes, and a hash over all of them.

    Names and contents decide the hash; where the folder lies and when it was changed do not.

    Args:
        paths: by field, the folder of the dataset and what belongs to it but lies elsewhere.

    Raises:
        InputError: if one of them does not exist or cannot be read.
    """
    return {field: _manifest(field, path) for field, path in sorted(paths.items())}


def _manifest(field: str, path: Path) -> dict[str, Any]:
    if not path.exists():
        what = "dataset folder" if field == "folder" else field
        raise InputError(f"{path}: this {what} does not exist; check the path.")
    try:
        files = _hashed(path.resolve())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}); check it.") from None
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{files[name].sha256} {name}\n".encode("utf-8", "surrogateescape"))
    return {
        "files": len(files),
        "bytes": sum(one.size for one in files.values()),
        "sha256": digest.hexdigest(),
    }


def _hashed(root: Path) -> dict[str, _Seen]:
    """Return all files by path below the root, with their hashes."""
    kept = cache_dir() / "manifests" / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:32]}.tsv"
    known = _read(kept)
    found = dict(_walk(root))
    files = {n: known[n] for n, one in found.items() if n in known and one.same(known[n])}
    changed = [name for name in found if name not in files]
    with ThreadPoolExecutor(READERS) as pool:  # reading and hashing release the interpreter
        hashes = pool.map(lambda name: sha256_of(root / name if name else root), changed)
        for name, digest in zip(
            changed, track(hashes, f"reading {root.name}", len(changed)), strict=True
        ):
            one = found[name]
            files[name] = _Seen(one.size, one.changed, one.inode, digest)
    if changed or len(known) != len(files):
        _keep(kept, files)
    return files


def _walk(root: Path) -> Iterator[tuple[str, _Seen]]:
    """Yield the files below a root, or the root itself if it is a file; none that is hidden."""
    if root.is_file():
        yield "", _state(root)
        return
    visited = set()
    for folder, inner, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:  # a link to a folder above
            inner.clear()
            continue
        visited.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in files:
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file():
                yield path.relative_to(root).as_posix(), _state(path)


def _state(path: Path) -> _Seen:
    facts = path.stat()
    return _Seen(facts.st_size, facts.st_ctime_ns, facts.st_ino)


def _read(kept: Path) -> dict[str, _Seen]:
    try:
        lines = kept.read_bytes().decode("utf-8", "surrogateescape").split("\n")[:-1]
        known = {}
        for line in lines:
            sha256, size, changed, inode, name = line.split("\t", 4)
            known[name] = _Seen(int(size), int(changed), int(inode), sha256)
    except (OSError, ValueError):
        return {}
    return known


def _keep(kept: Path, files: Mapping[str, _Seen]) -> None:
    settled = time.time_ns() - int(FRESH * 1e9)
    lines = [
        f"{one.sha256}\t{one.size}\t{one.changed}\t{one.inode}\t{name}\n"
        for name, one in files.items()
        if one.changed < settled and "\n" not in name
    ]
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, "".join(lines).encode("utf-8", "surrogateescape"))
    except (OSError, StorageError):
        return  # slower next time, no worse
