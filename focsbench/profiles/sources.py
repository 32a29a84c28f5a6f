"""Where a real dataset lies and how it is read: the fields of ``[data.celeba]`` and its like."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Subset = Literal["occluded", "unoccluded"]


class Source(BaseModel):
    """A folder; what lies elsewhere has a field of its own. A path alone stands for the folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(description="folder of the dataset in its published layout")
    landmarks: Path | None = Field(
        None, description="landmark list of all images, or folder of lists, if not in the folder"
    )

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"folder": value} if isinstance(value, (str, Path)) else value

    def paths(self) -> dict[str, Path]:
        """Return the paths that are named, by field."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in named.items() if isinstance(value, Path)}

    def plain(self) -> dict[str, Any]:
        """Return the fields that are set as JSON values, paths absolute."""
        values = self.model_dump(mode="json", exclude_none=True)
        return values | {name: str(path.resolve()) for name, path in self.paths().items()}


class CelebASource(Source):
    """CelebAMask-HQ, or a folder in the form of the authors' code."""

    masks: Path | None = Field(None, description="other part masks, e.g. corrected ones")
    partition: Path | None = Field(None, description="list_eval_partition.txt of CelebA")
    identities: Path | None = Field(None, description="identity_CelebA.txt of CelebA")
    visible_face: str | None = Field(
        None, description="rule that merges the part masks; default paint-order-v1"
    )
    subsets: str | None = Field(
        None,
        description="rule for occluded and unoccluded; default hidden-share-v1, or the dataset's "
        "occlusion.csv where it has one",
    )
    draw: dict[Subset, int] | None = Field(
        None, description="images of the test split to draw by subset; default all"
    )
    draw_seed: int = Field(0, ge=0, description="seed of that draw")

    @model_validator(mode="after")
    def _known_rules(self) -> Self:
        from focsbench.data.celebahq_rules import SUBSET_RULES, VISIBLE_FACE_RULES, known

        for field, rules in (("visible_face", VISIBLE_FACE_RULES), ("subsets", SUBSET_RULES)):
            name = getattr(self, field)
            if name is not None:
                known(field, name, rules)
        return self


class ARSource(Source):
    """AR faces: photographs and masks come from two places."""

    masks: Path | None = Field(None, description="visible-face masks, if not in the folder")


class NoWSource(Source):
    """NoW with the scans of the validation set."""
