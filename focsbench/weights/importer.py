"""From a file of weights that somebody published to weights that settings can name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError
from focsbench.files import sha256_of
from focsbench.progress import track
from focsbench.weights.arrays import Arrays
from focsbench.weights.kinds import DLIB, Kind, Role, Shapes, arcface, recognise
from focsbench.weights.store import Record, add, checked_name

MAX_NAMES_SHOWN = 3
_COUNTERS = "num_batches_tracked"  # of normalisation layers; old files lack them


@dataclass(frozen=True)
class _Contents:
    """The tensors of a file: shapes by name, how to read one, and the kind if it is plain."""

    shapes: Shapes
    array: Callable[[str], NDArray[Any]]
    kind: Kind | None


def import_weights(
    path: Path, name: str | None = None, role: Role | None = None, replace: bool = False
) -> Record:
    """Recognise a file, convert it, and keep it in the user's folder of weights.

    Nothing in the file is run, and of its tensors only those of the recognised network are read.

    Args:
        path: a ``.pth`` or ``.model`` file of torch (state dictionary or whole module), ``.onnx``,
            ``.safetensors``, or dlib's ``.dat``.
        name: what settings will call the weights; default: the name of the file, or that of the
            kind where there is one file only.
        role: what they have to be good for; None takes whatever they are.
        replace: take a name away from other weights.

    Raises:
        InputError: if the file is missing, damaged, hostile, of an unknown kind, not of the role,
            or does not fit the network that it claims to be.
        ConfigError: if the name cannot be used or is taken, or a package to read it is missing.
        CacheError: if the folder cannot be written.
    """
    from safetensors.numpy import save

    if not path.is_file():
        raise InputError(f"{path}: there is no such file; check the path.")
    with _opened(path) as contents:
        kind = contents.kind or recognise(contents.shapes)
        if kind is None:
            raise InputError(f"{path}: {_unknown(contents.shapes)}")
        if role is not None and kind.role != role:
            raise InputError(
                f"{path}: holds {kind.title}, whose role is {kind.role}, not {role}; choose "
                "another file or another --as."
            )
        arrays = _fitted(path, kind, contents)
    name = checked_name(_default_name(path, kind) if name is None else name)
    content = save(arrays, metadata={"note": f"{kind.title}. Licence: {kind.licence}."})
    record = Record(
        name=name,
        kind=kind.name,
        title=kind.title,
        role=kind.role,
        licence=kind.licence,
        origin=kind.origin,
        source=path.name,
        source_sha256=sha256_of(path),
        sha256=hashlib.sha256(content).hexdigest(),
        parameters=sum(array.size for array in arrays.values()),
        settings=dict(kind.settings),
    )
    add(content, record, replace)
    return record


@contextmanager
def _opened(path: Path) -> Iterator[_Contents]:
    """Open a file by what it is."""
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        from focsbench.weights.onnx_recognition import read_onnx_recognition

        blocks, arrays = read_onnx_recognition(path)
        yield _of_arrays(arrays, _arcface_of(path, blocks))
    elif suffix == ".dat":
        from focsbench.weights.dlib_recognition import read_dlib_recognition

        yield _of_arrays(read_dlib_recognition(path), DLIB)
    elif suffix == ".safetensors":
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as stream:
                names = list(stream.keys())
                shapes = {name: tuple(stream.get_slice(name).get_shape()) for name in names}
                yield _Contents(shapes, stream.get_tensor, None)
        except (SafetensorError, OSError, TypeError) as error:  # TypeError: bfloat16
            raise InputError(f"{path}: no safetensors file ({error}); get it again.") from None
    else:
        from focsbench.data.torch_file import TorchFile

        with TorchFile(path) as file:
            shapes = {name: tensor.shape for name, tensor in file.tensors.items()}
            yield _Contents(shapes, file.array, None)


def _of_arrays(arrays: Arrays, kind: Kind) -> _Contents:
    return _Contents({n: a.shape for n, a in arrays.items()}, arrays.__getitem__, kind)


def _arcface_of(path: Path, blocks: tuple[int, ...]) -> Kind:
    from focsbench.networks.iresnet_shapes import IRESNETS

    for depth, known in IRESNETS.items():
        if known == blocks:
            return arcface(depth)
    raise InputError(
        f"{path}: an iresnet with {'-'.join(map(str, blocks))} blocks, which is none of "
        f"{', '.join(f'r{depth}' for depth in IRESNETS)}; import one of these."
    )


def _fitted(path: Path, kind: Kind, contents: _Contents) -> Arrays:
    """Read exactly the arrays that the network of a kind has, checked one by one."""
    wanted = _network_shapes(kind)
    outer = f"{kind.start(contents.shapes) or ''}{kind.inside}"
    named = {
        f"{kind.prefix}{name.removeprefix(outer)}": name
        for name in contents.shapes
        if name.startswith(outer) and not name.removeprefix(outer).startswith(kind.dropped)
    }
    _refuse_misfits(path, kind, {n: contents.shapes[o] for n, o in named.items()}, wanted)
    arrays: Arrays = {}
    for name, shape in track(list(wanted.items()), path.name):
        if name in named:
            arrays[name] = _checked(path, name, contents.array(named[name]))
        elif name.endswith(_COUNTERS):
            arrays[name] = np.zeros(shape, dtype=np.int64)
    return arrays


def _checked(path: Path, name: str, array: NDArray[Any]) -> NDArray[Any]:
    if name.endswith(_COUNTERS):
        return np.asarray(array, dtype=np.int64)
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name} holds numbers that are not finite; get the file again.")
    return np.ascontiguousarray(array, dtype=np.float32)


def _refuse_misfits(path: Path, kind: Kind, found: Shapes, wanted: Shapes) -> None:
    """Raise InputError naming the first tensors that are missing, of another shape, or too many."""
    missing = [
        name
        for name in wanted
        if name not in found and not name.endswith(_COUNTERS) and not name.startswith(kind.may_lack)
    ]
    if missing:
        raise InputError(
            f"{path}: looks like {kind.title}, but lacks {_shown(missing)}; get the file again."
        )
    for name, shape in wanted.items():
        if name in found and found[name] != shape:
            raise InputError(
                f"{path}: looks like {kind.title}, but {name} is {found[name]} where the network "
                f"has {shape}; it belongs to another network."
            )
    surplus = [name for name in found if name not in wanted]
    if surplus:
        raise InputError(
            f"{path}: looks like {kind.title}, but also holds {_shown(surplus)}; it belongs to "
            "another network."
        )


def _network_shapes(kind: Kind) -> dict[str, tuple[int, ...]]:
    import torch

    with torch.device("meta"):  # shapes without numbers
        network = kind.network()
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def _unknown(shapes: Shapes) -> str:
    if not shapes:
        return "holds no tensors; import a file of weights."
    return (
        f"holds weights of no kind that is known (such as {_shown(sorted(shapes))}); see focsbench "
        "weights import --help for those that are."
    )


def _shown(names: list[str]) -> str:
    shown = ", ".join(ascii(name[:80])[1:-1] for name in names[:MAX_NAMES_SHOWN])
    more = len(names) - MAX_NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _default_name(path: Path, kind: Kind) -> str:
    if kind.name in ("deep3d", "dlib-recognition"):
        return kind.name.removesuffix("-recognition")
    return re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem).lstrip("._-")[:64] or kind.name
