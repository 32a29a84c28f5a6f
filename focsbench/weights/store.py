"""The user's folder of imported weights: one safetensors file and one record per name.

Beside them lies ``SHA256SUMS`` in the format of sha256sum, as everywhere in the project where
weights lie. In settings a name may carry the start of the checksum, ``arcface@1a2b3c4d``: such a
name means these numbers and no others. The same goes for paths of files that were not imported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from filelock import FileLock

from focsbench.errors import CacheError, ConfigError, InputError
from focsbench.files import sha256_of, write_atomically, write_json
from focsbench.paths import cache_dir
from focsbench.user_files import read_text, require_file

CHECKSUMS = "SHA256SUMS"
SUFFIX = ".safetensors"
PIN_LENGTH = 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PINNED = re.compile(r"(?P<name>[^@]+)@(?P<pin>[0-9a-f]{8})")
_PINNED_PATH = re.compile(r"(?P<path>.+)@(?P<pin>[0-9a-f]{8})", re.DOTALL)


@dataclass(frozen=True)
class Record:
    """Where imported weights come from and what they are.

    name: what settings call them. kind, title: what the file was recognised as. role: ``encoder``,
    ``unet``, ``recognition`` or ``deep3d``. licence: what is known of its terms. origin: who
    publishes such files. settings: fields of the network's settings that belong to the weights.
    source: name of the file that was imported, source_sha256: of its bytes. sha256: of the
    safetensors file. parameters: how many numbers it holds.
    """

    name: str
    kind: str
    title: str
    role: str
    licence: str
    origin: str
    source: str
    source_sha256: str
    sha256: str
    parameters: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def pinned(self) -> str:
        """The name with the start of the checksum."""
        return f"{self.name}@{self.sha256[:PIN_LENGTH]}"


def weights_folder() -> Path:
    """Return the folder of imported weights (it need not exist)."""
    return cache_dir() / "weights"


def checked_name(name: str) -> str:
    """Return a name that can be a file name.

    Raises:
        ConfigError: if it cannot.
    """
    if not _NAME.fullmatch(name) or name.endswith(SUFFIX):
        raise ConfigError(
            f"'{name}' cannot be the name of weights; take letters, digits, '.', '_' and '-', and "
            f"no {SUFFIX} at its end."
        )
    return name


def records() -> list[Record]:
    """Return the records of all imported weights, by name.

    Raises:
        CacheError: if one is damaged.
    """
    return [_read(path) for path in sorted(weights_folder().glob("*.json"))]


def find(name: str) -> Record | None:
    """Return the record of a name, which may be pinned; None if there is no such name.

    Raises:
        CacheError: if the record is damaged or the name is pinned to other numbers.
    """
    pinned = _PINNED.fullmatch(name)
    plain = pinned["name"] if pinned else name
    path = weights_folder() / f"{plain}.json"
    if not _NAME.fullmatch(plain) or not path.is_file():
        return None
    record = _read(path)
    if pinned and record.pinned != name:
        raise CacheError(
            f"{path}: the weights {plain} were imported again from another file; import the one of "
            f"{name} under a name of its own."
        )
    return record


def path_of(name: str) -> Path:
    """Return the safetensors file of imported weights.

    Raises:
        CacheError: as :func:`find`, also if there is no such name.
    """
    record = find(name)
    if record is None:
        known = ", ".join(record.name for record in records()) or "none so far"
        raise CacheError(
            f"there are no weights '{name}': import a file with focsbench weights import FILE "
            f"--name {name} (imported: {known})."
        )
    return weights_folder() / f"{record.name}{SUFFIX}"


def is_path(name: str) -> bool:
    """Whether settings mean a file of the user's by this: it has a folder."""
    return "/" in name


def pinned_path(name: str) -> str:
    """Return a path with the start of the checksum of its file; one without a file as it is.

    Raises:
        CacheError: as :func:`file_of`.
    """
    pin = _pin_of(file_of(name))
    return f"{_parted(name)[0]}@{pin}" if pin else name


def file_of(name: str) -> Path:
    """Return the file of a path, which may be pinned and need not exist.

    Raises:
        CacheError: if the file has another content than the pinned one.
    """
    text, pin = _parted(name)
    if pin and _pin_of(Path(text)) not in ("", pin):
        raise CacheError(
            f"{text}: this file was replaced, and {name} means what it was before; put that back, "
            "or name the file without its checksum."
        )
    return Path(text)


def _parted(name: str) -> tuple[str, str]:
    """Return a path without its pin, and the pin; a file may itself be named like that."""
    pinned = _PINNED_PATH.fullmatch(name)
    if pinned is None or Path(name).is_file():
        return name, ""
    return pinned["path"], pinned["pin"]


def _pin_of(path: Path) -> str:
    """Return the start of the checksum of a file; nothing if it cannot be read, which is for those
    to say who need it."""
    try:
        require_file(path, "file of weights")
        return sha256_of(path)[:PIN_LENGTH]
    except (InputError, OSError):
        return ""


def add(content: bytes, record: Record, replace: bool = False) -> None:
    """Keep a safetensors file and its record.

    Raises:
        ConfigError: if the name is taken by other numbers and ``replace`` is false.
        StorageError: if the disk is full or a file in the folder may not be written.
        CacheError: if the folder cannot be made or used otherwise, or its list is damaged.
    """
    folder = weights_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            other = find(record.name)
            if other is not None and other.sha256 != record.sha256 and not replace:
                raise ConfigError(
                    f"there are other weights named {record.name} already ({other.title}, from "
                    f"{other.source}); choose another --name, or --replace them."
                )
            write_atomically(folder / f"{record.name}{SUFFIX}", content)
            _list_checksum(folder, f"{record.name}{SUFFIX}", record.sha256)
            write_json(folder / f"{record.name}.json", asdict(record))
    except OSError as error:
        raise CacheError(
            f"{folder}: cannot be written ({error.strerror}); set FOCSBENCH_CACHE to a folder that "
            "can."
        ) from None


def verify(record: Record) -> str:
    """Return what is wrong with the file of a record, or an empty string.

    Raises:
        CacheError: if the list of checksums is damaged.
    """
    path = weights_folder() / f"{record.name}{SUFFIX}"
    if not path.is_file():
        return "missing"
    if sha256_of(path) != record.sha256:
        return "altered"
    return "" if read_checksums(path.parent).get(path.name) == record.sha256 else "not listed"


def read_checksums(folder: Path) -> dict[str, str]:
    """Return digests by file name from the ``SHA256SUMS`` of a folder; none where there is none.

    Its format is that of sha256sum: digest, two spaces, name.

    Raises:
        CacheError: if it has another format or cannot be read.
    """
    file = folder / CHECKSUMS
    if not file.is_file():
        return {}
    try:
        lines = [line.split(maxsplit=1) for line in read_text(file, "list").splitlines()]
        return {name.strip(): digest for digest, name in filter(None, lines)}
    except (InputError, ValueError):
        raise CacheError(
            f"{file}: not a list of checksums and names; make it again with sha256sum."
        ) from None


def _list_checksum(folder: Path, name: str, digest: str) -> None:
    sums = read_checksums(folder) | {name: digest}
    lines = (f"{sums[name]}  {name}\n" for name in sorted(sums))
    write_atomically(folder / CHECKSUMS, "".join(lines).encode())


def _read(path: Path) -> Record:
    try:
        values: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        record = Record(**{item.name: values[item.name] for item in fields(Record)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CacheError(
            f"{path}: damaged record of weights ({error}); delete it and import the weights again."
        ) from None
    if record.name != path.stem:
        raise CacheError(f"{path}: names other weights, {record.name}; delete it.")
    return record
