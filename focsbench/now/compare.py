"""Methods side by side: pools, means of images, and the same over the images that all have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from focsbench.metrics.distance_pool import DistancePool
from focsbench.metrics.error_curve import ErrorCurve, curve_of, share_within
from focsbench.metrics.intervals import Interval, Population, mean_interval
from focsbench.metrics.scan_distance import DistanceStatistics, distance_statistics
from focsbench.metrics.statistics import mean_and_std
from focsbench.now.contenders import Contender
from focsbench.now.result import MeanOfImages
from focsbench.progress import track
from focsbench.types import FloatArray

_STATISTICS = ("median", "mean", "std")


@dataclass(frozen=True)
class Numbers:
    """What a set of images of one method comes to.

    pooled: of all distances; means: of the images' own numbers, unweighted; mm.
    curve: share of the pool within 0, 0.01, … 7 mm, None where only numbers are at hand; with a
    band where the images, and so the subjects, are known. interval: of the pooled median by
    subject, None where they are not, or too few.
    """

    pooled: DistanceStatistics
    means: MeanOfImages
    curve: ErrorCurve | None
    interval: Interval | None = None


@dataclass(frozen=True)
class Row:
    """One method: everything that it has, and the images that all methods have."""

    contender: Contender
    whole: Numbers
    paired: Numbers | None


@dataclass(frozen=True)
class Comparison:
    """All methods.

    paired: images that all methods with known images have, in the order of the first; None where
        that says nothing new, because every method has just these, or nothing can be paired.
    is_alike: whether every method is known to have the very same images, so that whole pools can be
        compared.
    notes: what a reader has to know.
    """

    rows: tuple[Row, ...]
    paired: tuple[str, ...] | None
    is_alike: bool
    notes: tuple[str, ...]


def compare(contenders: Sequence[Contender]) -> Comparison:
    """Compare methods; one result is in memory at a time.

    Raises:
        InputError: if distances are missing or damaged.
    """
    known = [one.sizes for one in contenders if one.sizes is not None and one.read is not None]
    common = [line for line in known[0] if all(line in sizes for sizes in known)] if known else []
    # Where every method has just these images, they say nothing new.
    differs = any(one.done != len(common) for one in contenders)
    is_paired = differs and len(known) > 1 and len(common) > 0
    rows = tuple(
        _row(contender, common if is_paired else ())
        for contender in track(contenders, "compare", total=len(contenders))
    )
    notes = [f"{one.label}: {note}" for one in contenders for note in one.notes]
    notes += _rule_notes(contenders) + _size_notes(contenders)
    if len(known) > 1 and not common:
        notes.append("no image is common to all methods, so nothing is paired")
    images = [None if one.sizes is None else one.sizes.keys() for one in contenders]
    is_alike = None not in images and all(lines == images[0] for lines in images)
    return Comparison(rows, tuple(common) if is_paired else None, is_alike, tuple(notes))


def _row(contender: Contender, paired: Sequence[str]) -> Row:
    if contender.read is None:
        return Row(contender, _known_numbers(contender), None)
    parts = contender.read()
    if contender.sizes is None:
        return Row(contender, _numbers(parts), None)
    by_line = dict(zip(contender.sizes, parts, strict=True))
    whole = _numbers(parts, by_line)
    if not paired:
        return Row(contender, whole, None)
    common = {line: by_line[line] for line in paired}
    return Row(contender, whole, _numbers(list(common.values()), common))


def _known_numbers(contender: Contender) -> Numbers:
    result = contender.result
    if result is None or result.pooled is None or result.mean_of_images is None:
        raise ValueError("a result without distances has its numbers")
    return Numbers(result.pooled, result.mean_of_images, None)


def _numbers(
    parts: Sequence[FloatArray], by_line: Mapping[str, FloatArray] | None = None
) -> Numbers:
    """Measure images; ``by_line`` are the same by line of the image list, which names subjects."""
    single = [distance_statistics([part]) for part in parts]
    means = MeanOfImages(
        *(mean_and_std([getattr(one, name) for one in single])[0] for name in _STATISTICS)
    )
    pooled = distance_statistics(parts)
    if by_line is None:
        return Numbers(pooled, means, ErrorCurve(share_within(parts)))
    members = {line: PurePosixPath(line).parts[0] for line in by_line}
    pool = DistancePool.of(members, by_line.__getitem__)
    interval = mean_interval([Population(pool.median, len(pool.subjects))])
    return Numbers(pooled, means, curve_of(pool), interval)


def _rule_notes(contenders: Iterable[Contender]) -> list[str]:
    """Say so where the numbers were not made by the same rules."""
    rules: dict[str, list[str]] = {}
    for one in contenders:
        if one.result is not None:
            protocol = one.result.protocol
            unit = one.result.metrical_unit
            rule = f"{protocol.get('name', 'now')} version {protocol.get('version', '?')}"
            rules.setdefault(rule, []).append(one.label)
            if unit is not None:
                rules.setdefault("metrical", []).append(one.label)
    metrical = rules.pop("metrical", [])
    notes = []
    if len(rules) > 1:
        groups = "; ".join(f"{rule}: {', '.join(labels)}" for rule, labels in rules.items())
        notes.append(f"the results were made by different rules ({groups})")
    if metrical and any(one.result is None for one in contenders):
        notes.append(f"{', '.join(metrical)}: metrical; official files do not say whether they are")
    return notes


def _size_notes(contenders: Sequence[Contender]) -> list[str]:
    """Say so where an image has other scan points in another result: other scans, another crop."""
    sizes: dict[str, int] = {}
    notes = []
    for contender in contenders:
        known = contender.sizes or {}
        others = sum(sizes.setdefault(line, n) != n for line, n in known.items())
        if others:
            notes.append(
                f"{contender.label}: {others} images have another number of scan points than in "
                "the results before it; they were measured on other scans"
            )
    return notes
