"""One folder of links per dataset of a run, with the lists that its rules need.

Real datasets are read only, and what belongs together lies apart: photographs here, masks of
somebody else there, landmarks that a detector wrote. A run reads a folder of links that has it all
in the layout of the readers, and the lists that were made for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from focsbench.data import ar, celebahq, now
from focsbench.data.celebahq_lists import (
    CELEBA_IDENTITIES,
    OCCLUSION,
    PARTITION,
    read_subsets,
    split_members,
)
from focsbench.data.celebahq_rules import draw
from focsbench.data.celebahq_subsets import (
    draw_rule,
    find_subsets,
    write_subsets,
)
from focsbench.data.landmarks_csv import ALL_LANDMARKS
from focsbench.data.layouts import in_authors_form
from focsbench.data.policies import POLICY_FILE
from focsbench.errors import InputError
from focsbench.files import write_json

LIST_SUFFIXES = frozenset({".txt", ".csv", ".json"})
_LIST_BYTES = 256 << 20  # lists are copied into the run, so that it keeps what it was made from
# How a single landmark list of a dataset is called in its published layout.
_LANDMARKS = {"celeba": ALL_LANDMARKS, "ar": ar.LANDMARKS, "now": now.LANDMARK_LIST}
_MASKS = {"celeba": celebahq.MASKS, "ar": ar.MASKS}


def stage(name: str, source: Mapping[str, Any], out: Path, workers: int) -> dict[str, str]:
    """Make the folder that a run reads a dataset from.

    Args:
        name: ``celeba``, ``ar`` or ``now``.
        source: fields of :mod:`focsbench.profiles.sources` with plain values: folder, and what lies
            elsewhere or is decided by a rule.
        out: folder that does not exist yet.
        workers: processes for the lists that have to be made.

    Returns:
        {image: reason} of images that could not be put on a list.

    Raises:
        InputError: if a folder or file is missing or damaged.
        ConfigError: if there is no rule of a name.
    """
    out.mkdir()
    _link_children(Path(source["folder"]), out)
    if name in _LANDMARKS and source.get("landmarks"):
        single = ALL_LANDMARKS if name != "now" and in_authors_form(out) else _LANDMARKS[name]
        _take_landmarks(Path(source["landmarks"]), out, single)
    if name in _MASKS and source.get("masks"):
        _replace(out / _MASKS[name], Path(source["masks"]))
    for field, target in (("partition", PARTITION), ("identities", CELEBA_IDENTITIES)):
        if source.get(field):
            _replace(out / target, Path(source[field]))
    if name == "celeba" and (out / celebahq.IMAGES).is_dir():
        return _celeba_lists(source, out, workers)
    return {}


def _celeba_lists(source: Mapping[str, Any], out: Path, workers: int) -> dict[str, str]:
    """Write the rules of CelebAMask-HQ, and ``occlusion.csv`` unless the dataset has one.

    What the dataset says about its own list stays true as long as that list is used.
    """
    own = celebahq.read_celeba_policies(Path(source["folder"]))
    rules = {"visible_face": source.get("visible_face") or own.visible_face}
    counts, seed = source.get("draw"), source.get("draw_seed", 0)
    if counts:
        rules |= draw_rule(counts, seed)
    failures: dict[int, str] = {}
    if source.get("subsets") or not (out / OCCLUSION).is_file():
        rules["subsets"] = source.get("subsets") or own.subsets
        found = find_subsets(out, rules["visible_face"], rules["subsets"], workers=workers)
        failures = found.failures
        write_subsets(
            out / OCCLUSION, found.drawn(counts, seed) if counts else found, rules["subsets"]
        )
    else:
        if own.subsets:
            rules["subsets"] = own.subsets
        if own.only_listed:
            drawn = [rules["only_listed"]] if counts else []
            rules["only_listed"] = ", out of ".join([*drawn, own.only_listed])
        if counts:
            _draw_from_list(out, counts, seed)
    write_json(out / POLICY_FILE, rules)
    return {str(number): reason for number, reason in failures.items()}


def _draw_from_list(out: Path, counts: Mapping[str, int], seed: int) -> None:
    """Keep a draw of the test images in the dataset's own list."""
    listed = read_subsets(out / OCCLUSION)
    test = {image.index for image in split_members(out, "test")} & listed.keys()
    drawn = draw({number: listed[number] for number in test}, counts, seed)
    kept = sorted((listed.keys() - test) | set(drawn))
    lines = ["idx,subset", *(f"{number},{listed[number]}" for number in kept)]
    (out / OCCLUSION).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _link_children(folder: Path, out: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder}: this dataset folder does not exist; check the path.")
    for child in sorted(folder.iterdir()):
        if child.name.startswith("."):
            continue
        if child.is_file() and _is_list(child):
            shutil.copyfile(child, out / child.name)
        else:
            (out / child.name).symlink_to(child.resolve(), target_is_directory=child.is_dir())


def _is_list(path: Path) -> bool:
    return path.suffix in LIST_SUFFIXES and path.stat().st_size <= _LIST_BYTES


def _take_landmarks(given: Path, out: Path, single: str) -> None:
    """Take one list for all images, or a folder of lists; they win over those of the dataset."""
    for path in out.glob("*landmarks.csv"):
        path.unlink()
    if not given.is_dir():
        _replace(out / single, given)
        return
    lists = sorted(given.glob("*landmarks.csv"))
    if not lists:
        raise InputError(f"{given}: holds no *landmarks.csv; write the lists with a detector.")
    for path in lists:
        shutil.copyfile(path, out / path.name)


def _replace(target: Path, source: Path) -> None:
    """Put a file (a copy) or folder (a link) where something else may be."""
    if not source.exists():
        raise InputError(f"{source}: does not exist; check the path.")
    target.unlink(missing_ok=True)
    if source.is_dir():
        target.symlink_to(source.resolve(), target_is_directory=True)
    else:
        shutil.copyfile(source, target)
