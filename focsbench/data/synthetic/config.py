"""Everything that decides what the embedded benchmark contains."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

GENERATOR_VERSION = 1  # a new number means other files for the same configuration


class SyntheticConfig(BaseModel):
    """Size and difficulty of the embedded benchmark. Same values, same bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0, description="seed of every draw; another seed is another data set")
    photo_size: int = Field(
        256, ge=64, le=1024, multiple_of=2, description="side of the photographs, pixels"
    )

    celeba_train: int = Field(3000, ge=1, description="training photographs")
    celeba_val: int = Field(200, ge=1, description="photographs for tuning")
    celeba_test: int = Field(200, ge=1, description="photographs that tables report")
    train_images_per_subject: int = Field(5, ge=1, description="photographs of one training person")
    eval_images_per_subject: int = Field(2, ge=1, description="same, validation and test persons")
    occluded_fraction: float = Field(0.5, ge=0, le=1, description="share with an occluder")

    ar_subjects: int = Field(40, ge=1, description="persons, each neutral, sunglasses, scarf")
    ar_val_subjects: int = Field(15, ge=1, description="same, for tuning")

    now_subjects: int = Field(20, ge=1, description="persons with a scan")
    now_val_subjects: int = Field(10, ge=1, description="same, for tuning")
    now_neutral: int = Field(2, ge=0, description="multiview_neutral photographs per person")
    now_occlusions: int = Field(2, ge=0, description="multiview_occlusions photographs per person")
    now_expressions: int = Field(
        1, ge=0, description="multiview_expressions photographs per person"
    )
    now_selfies: int = Field(1, ge=0, description="selfie photographs per person")

    identity_spread: float = Field(
        0.22,
        gt=0,
        le=0.5,
        description="standard deviation of the generator's shape sliders; 0.22 puts the mean face "
        "about as far from a head (1.6 mm median) as it is from scans of real people",
    )
    landmark_noise: float = Field(
        0.5, ge=0, description="std of visible landmarks, pixels of the 224-pixel aligned crop"
    )
    hidden_landmark_noise: float = Field(
        1.5, ge=0, description="std of landmarks behind an occluder, same unit"
    )
    yaw_degrees: float = Field(15.0, ge=0, description="std of the head's yaw")
    max_yaw_degrees: float = Field(38.0, ge=0, le=60, description="largest yaw")
    pitch_degrees: float = Field(7.0, ge=0, description="std of the head's pitch")
    roll_degrees: float = Field(6.0, ge=0, description="std of the head's roll")
    sensor_noise: float = Field(0.006, ge=0, description="std of read noise, 1 is white")
    scan_noise_mm: float = Field(0.1, ge=0, description="std of independent scan noise")
