"""Numeric datasets of an HDF5 file from a stranger, read with every size known beforehand.

HDF5 files can point elsewhere (soft and external links, external storage, virtual datasets), name
filters that load plug-ins, and declare sizes without holding data. None of that is needed for a
table of numbers, so all of it is refused before anything is read.
"""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError, brief

if TYPE_CHECKING:
    import h5py

_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError)
_PLAIN_FILTERS = frozenset({1, 2, 3})  # deflate, shuffle, checksum: inside HDF5 itself
_CHUNK_BYTES = 256 << 20  # HDF5 unpacks a whole chunk at once


class Hdf5Arrays:
    """An open HDF5 file; a context manager.

    Raises:
        InputError: if the file is missing, no HDF5, or truncated.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        self.path = path
        if not path.is_file():
            raise InputError(f"{path}: there is no such file; check the path.")
        try:
            self._file = h5py.File(path, "r")
        except _ERRORS as error:
            raise self._damaged(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the declared shape of a dataset. Raises InputError if there is none."""
        return tuple(int(size) for size in self._dataset(name).shape)

    def numbers(
        self,
        name: str,
        shape: tuple[int | None, ...],
        dtype: type = np.float32,
        columns: int | None = None,
    ) -> NDArray[Any]:
        """Read a dataset of finite numbers.

        Args:
            name: path inside the file, such as ``shape/model/mean``.
            shape: expected sizes; None stands for any size (bounded by ``columns``).
            dtype: of the result.
            columns: how many entries of the last axis are read, at most.

        Raises:
            InputError: if it is missing, links elsewhere, or has another shape or type.
        """
        dataset = self._dataset(name)
        try:
            self._check_numbers(dataset, name, shape)
            self._check_storage(dataset, name)
            found = dataset.astype(dtype)[..., :columns]
        except _ERRORS as error:
            raise self._damaged(error) from None
        if not np.isfinite(found).all():
            raise InputError(
                f"{self.path}: {name} has values that are not finite; get the original file again."
            )
        return np.asarray(found)

    def _dataset(self, name: str) -> h5py.Dataset:
        """Follow hard links only, one component after the other."""
        import h5py

        place: Any = self._file
        try:
            for part in name.split("/"):
                link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
                if link is not None and not isinstance(link, h5py.HardLink):
                    raise InputError(
                        f"{self.path}: {name} is a link to something else; "
                        "get the original file, which has none."
                    )
                if link is None:
                    raise InputError(
                        f"{self.path}: has no dataset {name}, so it is not the expected face "
                        "model; see docs/face-models.md for the right file."
                    )
                place = place[part]
        except _ERRORS as error:
            raise self._damaged(error) from None
        if not isinstance(place, h5py.Dataset):
            raise InputError(
                f"{self.path}: {name} is no dataset, so it is not the expected face model; "
                "see docs/face-models.md for the right file."
            )
        return place

    def _check_numbers(
        self, dataset: h5py.Dataset, name: str, shape: tuple[int | None, ...]
    ) -> None:
        wanted = tuple("K" if size is None else size for size in shape)
        fits = len(dataset.shape) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, dataset.shape, strict=True)
        )
        if not fits or 0 in dataset.shape:
            raise InputError(
                f"{self.path}: {name} has shape {dataset.shape} instead of {_words(wanted)}; "
                "get the original file again."
            )
        if dataset.dtype.kind not in "fiu" or dataset.dtype.itemsize > 8:
            raise InputError(
                f"{self.path}: {name} holds {dataset.dtype} instead of numbers; "
                "get the original file again."
            )

    def _check_storage(self, dataset: h5py.Dataset, name: str) -> None:
        settings = dataset.id.get_create_plist()
        filters = {settings.get_filter(index)[0] for index in range(settings.get_nfilters())}
        chunk = math.prod(dataset.chunks or (1,)) * dataset.dtype.itemsize
        if dataset.is_virtual or dataset.external or not filters <= _PLAIN_FILTERS:
            raise InputError(
                f"{self.path}: {name} keeps its data in another file or in an unusual form; "
                "get the original file, which does not."
            )
        if chunk > _CHUNK_BYTES:
            raise InputError(
                f"{self.path}: {name} is packed in pieces of {chunk >> 20} MiB; "
                "get the original file again."
            )

    def _damaged(self, error: BaseException) -> InputError:
        if isinstance(error, InputError):
            return error
        return InputError(
            f"{self.path}: cannot be read as HDF5, it is cut off, damaged or another format "
            f"({brief(error)}); get the original file again."
        )


def _words(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
