"""Network weights on disk: safetensors files whose checksums are listed beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from focsbench.errors import CacheError
from focsbench.files import write_atomically
from focsbench.weights.store import CHECKSUMS, SUFFIX, file_of, is_path, path_of, read_checksums

WEIGHTS_FOLDER = Path(__file__).parent / "weights"


def weights_path(name: str) -> Path:
    """Return the file of a name.

    With a folder it is a path, which may be pinned; without one, a safetensors file of the
    package's weights folder, or the name of imported weights.

    Raises:
        CacheError: if there are no such weights, or others than the pinned ones.
    """
    if is_path(name):
        return file_of(name)
    return WEIGHTS_FOLDER / name if name.endswith(SUFFIX) else path_of(name)


def load_weights(module: nn.Module, path: Path, optional: tuple[str, ...] = ()) -> None:
    """Load the weights of a module after checking their checksum.

    Args:
        module: receives its parameters and buffers, cast to its own dtype.
        path: safetensors file; the ``SHA256SUMS`` in its folder must list it.
        optional: names that stay as they are where the file lacks all of them.

    Raises:
        CacheError: if the file is missing, not listed, altered, or of another architecture.
    """
    if not path.is_file():
        raise CacheError(f"{path} does not exist: reinstall focsbench or train the weights again.")
    expected = read_checksums(path.parent).get(path.name)
    if expected is None:
        raise CacheError(f"{path} is not listed in {path.parent / CHECKSUMS}: train it again.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise CacheError(f"{path} does not match its checksum: reinstall focsbench or delete it.")
    try:
        state = load_file(path)
        if not state.keys() & set(optional):
            state |= {
                name: value for name, value in module.state_dict().items() if name in optional
            }
        module.load_state_dict(state)
    except (RuntimeError, SafetensorError) as error:
        raise CacheError(
            f"{path} does not fit the configured network ({type(module).__name__}): "
            "use the settings that it was trained with."
        ) from error


def save_weights(module: nn.Module, path: Path, half: bool = False) -> None:
    """Write the weights of a module and list their checksum in ``SHA256SUMS`` beside them.

    Args:
        module: all parameters and buffers are written.
        path: safetensors file to (over)write; its folder is made if needed.
        half: store the parameters in float16 (half the size); statistics stay float32.

    Raises:
        StorageError: if the disk is full or the folder cannot be written; the old file stays.
    """
    parameters = {name for name, _ in module.named_parameters()}
    state = {
        name: (value.half() if half and name in parameters else value).detach().cpu().contiguous()
        for name, value in module.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(state))
    write_checksums(path.parent)


def write_checksums(folder: Path) -> None:
    """List the checksums of all weights of a folder in its ``SHA256SUMS``."""
    lines = (
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.glob("*.safetensors"))
    )
    write_atomically(folder / CHECKSUMS, "".join(lines).encode())
