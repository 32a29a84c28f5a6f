"""Check of CelebAMask-HQ."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from focsbench.data.celebahq import IMAGES, MASKS, PER_FOLDER, mask_path, read_celeba_policies
from focsbench.data.celebahq_lists import (
    CELEBA_IDENTITIES,
    IDENTITIES,
    MAPPING,
    OCCLUSION,
    PARTITION,
    MappedImage,
    image_number,
    read_mapping,
    read_subsets,
    split_members,
)
from focsbench.data.celebahq_rules import PAINT_ORDER, SPLITS, SUBSETS
from focsbench.data.check.files import (
    ImageFacts,
    files_in,
    folders_in,
    look_at_images,
    nested,
    note_archives,
    note_damaged,
)
from focsbench.data.check.lists import landmarks_or_note, note_misplaced, note_unlisted
from focsbench.data.check.report import CheckReport, Scan, some
from focsbench.data.landmarks_csv import ALL_LANDMARKS, list_of_split
from focsbench.errors import FocsbenchError
from focsbench.types import FloatArray

PHOTOGRAPHS = 30_000
PUBLISHED_SPLITS = {"train": 24_183, "val": 2_993, "test": 2_824}
PHOTO_SIZE, MASK_SIZE = 1024, 512
# The paper's test subsets; drawn at random from the test split, the lists are not published.
PAPER_SUBSETS = {"occluded": 750, "unoccluded": 558}
SOURCE = "github.com/switchablenorms/CelebAMask-HQ"


def check_celeba(scan: Scan) -> CheckReport:
    """See :func:`focsbench.data.check.check_dataset`."""
    report = CheckReport("CelebAMask-HQ", scan.path)
    root = nested(report, scan.path, IMAGES)
    packed = note_archives(report, root)
    photos = _photographs(report, root, scan, packed=packed)
    masked = _masks(report, root, scan, packed=packed)
    members = _members(report, root)
    _note_missing(report, members, photos, masked)
    _optional_lists(report, root)
    for split in SPLITS:
        images = {image.index for image in members.get(split, [])}
        landmarks = _landmarks(report, root, split, images & photos.keys(), photos)
        if not members:
            continue
        report.usable[split] = len(images & photos.keys() & masked & landmarks.keys())
    _subsets(report, root, members)
    return report


def _photographs(
    report: CheckReport, root: Path, scan: Scan, *, packed: bool
) -> dict[int, ImageFacts]:
    """Return size by number of the photographs that can be read."""
    files = [path for path in files_in(root / IMAGES) if path.suffix.lower() == ".jpg"]
    report.count("photographs", len(files), PHOTOGRAPHS)
    if not files:
        step = "" if packed else f"get CelebAMask-HQ from {SOURCE} and unpack it into {root}"
        report.error("no_photographs", f"{root / IMAGES} holds no photograph (0.jpg, ...)", step)
        return {}
    strange = [path.name for path in files if image_number(path.name) is None]
    if strange:
        report.warning("strange_names", f"{some(strange)} are no numbers and are passed over")
    numbered = [path for path in files if image_number(path.name) is not None]
    good = note_damaged(report, look_at_images(numbered, scan, "photographs"), "photographs")
    resized = [path for path, facts in good.items() if facts.width != PHOTO_SIZE]
    if resized:
        facts = good[resized[0]]
        report.warning(
            "other_size",
            f"{len(resized)} photographs are not {PHOTO_SIZE} pixels wide, the first is "
            f"{resized[0].name} with {facts.width} x {facts.height}; landmarks have to be in "
            "pixels of the files as they are",
        )
    return {
        number: facts
        for path, facts in good.items()
        if (number := image_number(path.name)) is not None
    }


def _masks(report: CheckReport, root: Path, scan: Scan, *, packed: bool) -> set[int]:
    """Return the images whose part masks are all readable and of one size."""
    folder = root / MASKS
    parts = [
        path
        for block in folders_in(folder)
        for path in files_in(block)
        if path.suffix.lower() == ".png"
    ]
    loose = [path for path in files_in(folder) if path.suffix.lower() == ".png"]
    report.count("part masks", len(parts))
    if not parts:
        where = f"; {len(loose)} lie directly in it" if loose else ""
        step = f"sort them into {MASKS}/0 to {MASKS}/14, {PER_FOLDER} images each" if loose else ""
        step = step or ("" if packed else f"get the annotations from {SOURCE}")
        report.error("no_masks", f"{folder} has no folder 0, 1, ... with part masks{where}", step)
        return set()
    looked = look_at_images(parts, scan, "part masks")
    note_damaged(report, looked, "part masks")
    sizes: dict[int, set[tuple[int, int]]] = defaultdict(set)
    broken, unknown = set(), []
    for path, facts in looked.items():
        number, _, part = path.stem.partition("_")
        index = image_number(number)
        if index is None or part not in PAINT_ORDER:
            unknown.append(path.name)
            continue
        if path != mask_path(folder, index, part):
            unknown.append(f"{path.parent.name}/{path.name}")
            continue
        sizes[index].add((facts.width, facts.height))
        if facts.problem:
            broken.add(index)
    report.count("images with part masks", len(sizes), PHOTOGRAPHS)
    _note_odd_masks(report, sizes, broken, unknown)
    return {index for index, found in sizes.items() if len(found) == 1 and index not in broken}


def _note_odd_masks(
    report: CheckReport,
    sizes: dict[int, set[tuple[int, int]]],
    broken: set[int],
    unknown: list[str],
) -> None:
    if unknown:
        report.warning(
            "strange_masks",
            f"{len(unknown)} files are no part masks in their place and are passed over: "
            f"{some(unknown)}",
        )
    mixed = [index for index, found in sizes.items() if len(found) > 1 and index not in broken]
    if mixed:
        report.error(
            "mixed_sizes",
            f"the part masks of {len(mixed)} images differ in size: {some(sorted(mixed))}",
            f"get the annotations of these images from {SOURCE} again",
        )
    whole = [found for index, found in sizes.items() if index not in broken]
    other = [found for found in whole if found != {(MASK_SIZE, MASK_SIZE)}]
    if other:
        report.warning(
            "other_mask_size",
            f"the part masks of {len(other)} images are not {MASK_SIZE} x {MASK_SIZE} pixels as "
            "published; they are used at the size they have",
        )


def _members(report: CheckReport, root: Path) -> dict[str, list[MappedImage]]:
    """Return the images of each split; nothing if the mapping cannot be used."""
    try:
        mapping = read_mapping(root / MAPPING)
        members = {split: split_members(root, split) for split in SPLITS}
    except FocsbenchError as problem:
        report.error("no_mapping", str(problem).rstrip("."), f"get {MAPPING} from {SOURCE}")
        return {}
    report.count("lines of the mapping", len(mapping), PHOTOGRAPHS)
    for split, images in members.items():
        report.count(f"{split} images by the mapping", len(images), PUBLISHED_SPLITS[split])
    if len(mapping) != PHOTOGRAPHS:
        report.warning(
            "other_mapping",
            f"{MAPPING} has {len(mapping)} lines instead of {PHOTOGRAPHS}, so the splits are not "
            "those of the publication",
        )
    return members


def _note_missing(
    report: CheckReport,
    members: dict[str, list[MappedImage]],
    photos: dict[int, ImageFacts],
    masked: set[int],
) -> None:
    """Say which images of the mapping are not there, unless that is said of all of them."""
    wanted = sorted(image.index for images in members.values() for image in images)
    for what, there in (("photograph", photos.keys()), ("part masks", masked)):
        missing = [index for index in wanted if index not in there]
        if missing and there:
            report.error(
                f"missing_{what.replace(' ', '_').removesuffix('s')}s",
                f"{len(missing)} of {len(wanted)} images of the mapping have no usable {what}: "
                f"{some(missing)}",
                f"get CelebAMask-HQ from {SOURCE} again; the download or unpacking was cut off",
            )


def _landmarks(
    report: CheckReport, root: Path, split: str, images: set[int], photos: dict[int, ImageFacts]
) -> dict[int, FloatArray]:
    path = list_of_split(root, split)
    if not path.is_file():
        report.count(f"{split} images with landmarks", 0)
        path = root / ALL_LANDMARKS
    listed = {
        number: points
        for file, points in landmarks_or_note(
            report, path, f"the {split} images", root / IMAGES
        ).items()
        if (number := image_number(file)) is not None
    }
    if listed:
        own = {index: points for index, points in listed.items() if index in images}
        report.count(f"{split} images with landmarks", len(own))
        note_unlisted(report, path, [f"{i}.jpg" for i in images], [f"{i}.jpg" for i in own])
        named = {f"{index}.jpg": points for index, points in own.items()}
        note_misplaced(report, path, named, {f"{i}.jpg": photos[i] for i in own})
    return listed


def _optional_lists(report: CheckReport, root: Path) -> None:
    if not (root / PARTITION).is_file():
        report.do(
            f"optional: {PARTITION} of CelebA in {root}; without it the split follows the index "
            "in CelebA, which gives the same"
        )
    if not (root / IDENTITIES).is_file() and not (root / CELEBA_IDENTITIES).is_file():
        report.warning(
            "no_identities",
            f"without {CELEBA_IDENTITIES} of CelebA (on request from its authors) every photograph "
            "counts as a person of its own, and intervals become too narrow where persons repeat",
        )


def _subsets(report: CheckReport, root: Path, members: dict[str, list[MappedImage]]) -> None:
    """Count the subsets of the test split, or say that a rule will find them."""
    try:
        listed = read_subsets(root / OCCLUSION)
        rules = read_celeba_policies(root)
    except FocsbenchError as problem:
        report.error("damaged_lists", str(problem).rstrip("."))
        return
    if not listed:
        report.do(
            f"optional: `focsbench data lists {root} --output FOLDER` shows which test images the "
            f"rule {rules.subsets} takes for occluded; a run does it by itself"
        )
        return
    test = {image.index for image in members.get("test", [])}
    for subset in SUBSETS:
        number = sum(name == subset for index, name in listed.items() if index in test)
        report.count(f"{subset} test images", number, PAPER_SUBSETS[subset])
