"""Face models, weights, detectors, and the data of a profile: what of them is there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from focsbench.data.layouts import missing_marker
from focsbench.doctor.findings import Item, Section, State, section
from focsbench.errors import CacheError, FocsbenchError
from focsbench.face_models import face_model_path
from focsbench.face_models.sources import SOURCES
from focsbench.files import sha256_of
from focsbench.profiles.profile import Profile
from focsbench.weights.store import SUFFIX, file_of, find, is_path, read_checksums, weights_folder

# Modules that have to be installed, by name of the detector, which is that of its extra.
DETECTORS = {
    "dlib": ("dlib", "face_recognition_models"),
    "face-alignment": ("face_alignment",),
    "insightface": ("insightface",),
}


def asset_sections(profile: Profile | None) -> Iterator[Section]:
    """Yield what is said about models, weights and detectors, and about a profile's paths."""
    yield section("Face models", _models(profile))
    yield section("Weights", [*_shipped_weights(), *_imported_weights()])
    yield section("Landmark detectors (for photographs without landmarks)", _detectors())
    if profile is not None:
        yield section(f"Profile {profile.name}", _profile(profile))


def _models(profile: Profile | None) -> Iterator[Item]:
    for name, source in SOURCES.items():
        named = profile is not None and profile.face_model == name
        if not source.needs:
            kept = face_model_path(name)
            text = (
                f"built, {kept}" if kept.is_file() else "will be built by the first run (minutes)"
            )
            yield Item(name, State.OK, text)
        elif named and profile is not None and profile.face_model_file is not None:
            file = profile.face_model_file
            text = "" if file.exists() else "; the path does not exist"
            yield Item(name, State.OK if file.exists() else State.BROKEN, f"{file}{text}")
        else:
            yield Item(name, State.MISSING, f"needs {source.needs} ({source.origin})")


def _shipped_weights() -> Iterator[Item]:
    """The weights that come along, against their checksums."""
    from importlib.resources import files

    folder = Path(str(files("focsbench.networks") / "weights"))
    for name, digest in read_checksums(folder).items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != digest:
            yield Item(name, State.BROKEN, "missing or altered; install focsbench again")
        else:
            yield Item(name, State.OK, "comes along, checksum right")


def _imported_weights() -> Iterator[Item]:
    folder = weights_folder()
    try:
        listed = read_checksums(folder)
    except CacheError as error:
        yield Item("imported weights", State.BROKEN, str(error))
        return
    if not listed:
        yield Item(
            "imported weights",
            State.MISSING,
            "none; profiles paper and released start from ImageNet and judge faces by ArcFace: "
            "`focsbench weights import FILE`",
        )
    for name in listed:
        there = (folder / name).is_file()
        text = "imported" if there else f"{folder / name} is missing; import it again"
        yield Item(name, State.OK if there else State.BROKEN, text)


def _detectors() -> Iterator[Item]:
    for name, modules in DETECTORS.items():
        if all(find_spec(module) is not None for module in modules):
            yield Item(name, State.OK, "installed; some fetch weights at first use")
        else:
            yield Item(name, State.MISSING, f"`pip install 'focsbench[{name}]'`")


def _profile(profile: Profile) -> Iterator[Item]:
    """Every path of a profile; a quick look at each dataset, not at its images."""
    if profile.data.synthetic is not None:
        yield Item("data", State.OK, "the embedded benchmark; no dataset is needed")
    for name, source in profile.data.sources().items():
        for field, path in source.paths().items():
            if not path.exists():
                yield Item(f"data.{name}.{field}", State.BROKEN, f"{path} does not exist")
                continue
            missing = missing_marker(path, name) if field == "folder" else ""
            advice = f"{path} has no {missing}; see `focsbench data check {name} {path}`"
            state = State.BROKEN if missing else State.OK
            yield Item(f"data.{name}.{field}", state, advice if missing else str(path))
    for dataset in _needed_datasets(profile) - profile.data.folders().keys():
        if profile.data.synthetic is None:
            yield Item(f"data.{dataset}", State.BROKEN, "no folder is named, but protocols need it")
    yield from _named_weights(profile)


def _named_weights(profile: Profile) -> Iterator[Item]:
    try:
        config = profile.method_config()
    except FocsbenchError as error:
        yield Item("method", State.BROKEN, str(error))
        return
    for part in (config.encoder, config.unet, config.recognition):
        name = f"{type(part).__name__.removesuffix('Config').lower()} weights"
        weights = part.weights
        if weights is None:
            continue
        if is_path(weights):
            if not file_of(weights).exists():
                yield Item(name, State.BROKEN, f"{weights} does not exist")
        elif not weights.endswith(SUFFIX) and find(weights) is None:
            yield Item(name, State.BROKEN, f"{weights}: not imported; `focsbench weights import`")


def _needed_datasets(profile: Profile) -> set[str]:
    """Datasets of the protocols, by their names; CelebA-HQ is what rows are trained on."""
    known = ("celeba", "ar", "now")
    return {name for name in known for one in profile.protocols if one.startswith(name)}
