"""Results of several methods behind one face: result folders, their JSON, official files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from focsbench.data.now import NoWItem
from focsbench.data.photos import key_of
from focsbench.errors import InputError
from focsbench.now.distance_files import DISTANCES, distance_file, read_distances
from focsbench.now.legacy import LegacyResult, challenge_of, method_of, read_legacy
from focsbench.now.result import NowResult, read_json
from focsbench.now.result_folder import RESULT
from focsbench.types import FloatArray


@dataclass(frozen=True)
class Contender:
    """The result of one method.

    label: printed name, different for each.
    done: images that have a result; listed: images that were asked for, None if unknown.
    sizes: number of distances by line of the image list, None if the images are unknown.
    read: gives the distances of the images, in the order of ``sizes`` where that is known; None
        where only the numbers of ``result`` are at hand.
    result: what ``focsbench now score`` found, None for official files.
    notes: clauses that a reader of the comparison has to know about this result.
    """

    label: str
    done: int
    listed: int | None
    sizes: Mapping[str, int] | None
    read: Callable[[], list[FloatArray]] | None
    result: NowResult | None = None
    notes: tuple[str, ...] = field(default=())


def read_contenders(paths: Sequence[Path], items: Sequence[NoWItem]) -> list[Contender]:
    """Read results to compare.

    Args:
        paths: each a result folder of ``focsbench now score``, its ``result.json``, or an
            official ``….npy``.
        items: image list that names the images of older official files; may be empty.

    Raises:
        InputError: naming the first path that holds no result, or none with an image.
    """
    found = [_read(path, items) for path in paths]
    for path, contender in zip(paths, found, strict=True):
        if contender.done == 0:
            raise InputError(f"{path}: no image has a result; leave it out.")
    labels: set[str] = set()
    contenders = []
    for contender in found:
        label, number = contender.label, 1
        while label in labels:
            number += 1
            label = f"{contender.label} ({number})"
        labels.add(label)
        contenders.append(replace(contender, label=label))
    return contenders


def _read(path: Path, items: Sequence[NoWItem]) -> Contender:
    if path.is_dir():
        return _from_json(path / RESULT)
    if path.suffix.lower() == ".json":
        return _from_json(path)
    if path.suffix.lower() == ".npy":
        return _from_official(path, items)
    raise InputError(
        f"{path}: not a result; give a folder or JSON file of `focsbench now score`, or a "
        ".npy file of the official evaluation."
    )


def _from_json(path: Path) -> Contender:
    result = read_json(path)
    sizes = {score.image: score.n for score in result.images}
    if len(sizes) != len(result.images) or (
        sizes and not (result.pooled and result.mean_of_images)
    ):
        raise InputError(f"{path}: its images do not fit its pool; score the method again.")
    folder = path.parent
    parts = [(distance_file(folder, key_of(line)), n) for line, n in sizes.items()]
    has_distances = (folder / DISTANCES).is_dir()
    note = "only its numbers are at hand, so it has no curve and is not paired"
    return Contender(
        label=result.method,
        done=len(result.images),
        listed=result.overall.images,
        sizes=sizes,
        read=(lambda: [read_distances(*part) for part in parts]) if has_distances else None,
        result=result,
        notes=() if has_distances else (note,),
    )


def _from_official(path: Path, items: Sequence[NoWItem]) -> Contender:
    official = read_legacy(path)
    challenge = challenge_of(path)
    chosen = [item for item in items if challenge in ("", item.challenge)]
    images = official.images or _named(official, chosen)
    listed = len(chosen) or None
    # With a challenge, the official count of missing images holds those of all others too.
    if listed is None and official.missing is not None and not challenge:
        listed = len(official.distances) + official.missing
    sizes = [len(part) for part in official.distances]
    return Contender(
        label=method_of(path),
        done=len(official.distances),
        listed=listed,
        sizes=None if images is None else dict(zip(images, sizes, strict=True)),
        read=lambda: list(read_legacy(path).distances),
        notes=()
        if images is not None
        else ("the file does not name its images, so it is not paired",),
    )


def _named(official: LegacyResult, items: Sequence[NoWItem]) -> tuple[str, ...] | None:
    """Take the images of an older file from the list, if all of them fit it.

    Some versions of the official tool wrote the images in the order in which they were done. All
    images of a subject are measured on the same scan points, so such a file gives itself away by
    the lengths of its arrays.
    """
    if len(items) != len(official.distances):
        return None
    sizes: dict[str, int] = {}
    for item, part in zip(items, official.distances, strict=True):
        if sizes.setdefault(item.subject, len(part)) != len(part):
            return None
    return tuple(item.file for item in items)
