"""One face of one photograph: align, reconstruct, refine, segment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from focsbench.data.alignment import Alignment, align
from focsbench.errors import InputError
from focsbench.face_models import load_face_model
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.fit.refine import RefineSettings, refine
from focsbench.fit.weights import Weights
from focsbench.focs.autoencoder import Decoded, FaceAutoencoder, FaceDecoder
from focsbench.focs.build import build_autoencoder, build_unet, load_autoencoder, load_unet
from focsbench.focs.masks import segmentation_mask, threshold_mask
from focsbench.inference.accelerate import accelerated_encoder, accelerated_unet
from focsbench.inference.names import TORCH
from focsbench.landmarks.faces import Face
from focsbench.networks.resnet import Latents
from focsbench.networks.unet import UNet
from focsbench.types import BoolArray, FloatArray, IntArray

DRAWN_SIZE = 224  # of the aligned crop in which faces are refined; networks may see a smaller one
SMALLEST_FACE = 24.0  # side of the box, pixels: below it there is nothing to fit
SMALLEST_SHARE = 0.25  # of the landmarks that have to lie in the photograph
NARROWEST = 0.1  # extent of the landmarks across their longest direction, relative to it
WORST_LANDMARK_ERROR = 25.0  # per cent; the encoder alone stays below 10, a refined face below 5
LARGEST_DRAWING = 1024  # of a face drawn for the photograph, pixels


@dataclass(frozen=True)
class FittedFace:
    """What is known about one face.

    face: where it was found. alignment: of the photograph to the crop of `DRAWN_SIZE` (or more).
    image: (S, S, 3) the crop in [0, 1]; render: (S, S, 3) on black; region: (S, S) drawn pixels.
    visible: (S, S) in [0, 1], the face mask M; without a segmentation network that of Eq. 9.
    latents: parameters by name. landmarks: (68, 2) projected, pixels of the crop. landmark_error:
    root mean square distance to the detected inner landmarks (iBUG 17 to 67), in per cent of the
    distance of the outer eye corners. colour_error: root mean square difference inside the mask,
    grey levels of 255.
    """

    face: Face
    alignment: Alignment
    image: FloatArray
    render: FloatArray
    region: BoolArray
    visible: FloatArray
    latents: dict[str, FloatArray]
    landmarks: FloatArray
    landmark_error: float
    colour_error: float | None


class Fitter:
    """Fits faces with the networks of one run.

    refine: settings of the test-time optimisation, or None to take the encoder's answer.
    smallest_face: side of the box below which a face is refused, pixels.
    engine: what runs the networks.
    """

    def __init__(
        self,
        weights: Weights,
        refine: RefineSettings | None,
        smallest_face: float = SMALLEST_FACE,
        engine: str = TORCH,
    ) -> None:
        self.model = load_face_model(weights.face_model, weights.face_model_file)
        self._drawn = self.model.crop("face")
        self._config = weights.config
        self._refine = refine
        self._smallest = smallest_face
        self._network, unet = _networks(weights, self.model)
        seen = weights.config.image_size
        self._network.encoder = accelerated_encoder(engine, self._network.encoder, seen)
        self._mask = (
            None
            if unet is None
            else segmentation_mask(weights.config, accelerated_unet(engine, unet, seen))
        )
        self.size = max(DRAWN_SIZE, weights.config.image_size)
        self._decoders: dict[int, FaceDecoder] = {}

    @property
    def segments(self) -> bool:
        """Whether a segmentation network makes the masks."""
        return self._mask is not None

    def fit(self, photo: Image.Image, face: Face) -> FittedFace:
        """Fit one face.

        Args:
            photo: upright, RGB.
            face: found in it.

        Raises:
            InputError: if the face is too small, its landmarks lie outside the photograph or cannot
                be used, or the fit does not meet them.
        """
        self._check(photo, face)
        alignment = align(face.landmarks, photo.width, photo.height, self.size)
        crop = alignment.image(photo)
        large, small = _tensor(crop), _tensor(self._for_networks(crop))
        landmarks = alignment.points(face.landmarks)
        with torch.no_grad():
            latents: Latents = self._network.encoder(small)
        vertices: IntArray = self._drawn.landmarks68
        if self._refine is not None:
            answer = refine(
                self.decoder(self.size),
                self._drawn,
                large,
                landmarks,
                latents,
                None if self._mask is None else lambda now: self._segment(small, now),
                self._refine,
            )
            latents, vertices = answer.latents, answer.landmark_vertices
        fitted = self._described(face, alignment, large, small, landmarks, latents, vertices)
        if not fitted.landmark_error < WORST_LANDMARK_ERROR:
            raise InputError(
                f"the fit misses the landmarks by {fitted.landmark_error:.0f} % of the distance of "
                "the eyes, so they are not those of a face; detect them again."
            )
        return fitted

    def _check(self, photo: Image.Image, face: Face) -> None:
        """Raise InputError for a face that is too small or not in the photograph."""
        if face.size < self._smallest:
            raise InputError(
                f"the face is only {face.size:.0f} pixels wide, too few to fit (--smallest-face "
                f"{self._smallest:.0f}); take a larger photograph of it."
            )
        inside = ((face.landmarks > -1) & (face.landmarks < photo.size)).all(axis=1)
        if inside.mean() < SMALLEST_SHARE:
            raise InputError(
                f"only {inside.sum()} of its 68 landmarks lie in the photograph of {photo.width} x "
                f"{photo.height} pixels; they may be those of another picture or size."
            )
        wide, narrow = np.linalg.svd(
            face.landmarks - face.landmarks.mean(axis=0), compute_uv=False
        ).tolist()
        if not narrow > NARROWEST * wide:
            raise InputError(
                "its landmarks lie on one line, so they are not those of a face; detect them again."
            )

    def draw(self, fitted: FittedFace, size: int) -> tuple[FloatArray, BoolArray]:
        """Draw a fitted face again at another size of the crop: (S, S, 3) on black and (S, S)."""
        latents = Latents(*(torch.from_numpy(block)[None] for block in fitted.latents.values()))
        with torch.no_grad():
            decoded = self.decoder(size)(latents)
        return decoded.image[0].permute(1, 2, 0).numpy(), decoded.region[0].numpy()

    def decoder(self, size: int) -> FaceDecoder:
        """The renderer at a size of the crop, pixels."""
        if size not in self._decoders:
            # All of them share the arrays of the model.
            self._decoders[size] = FaceDecoder(
                self._drawn,
                size,
                self._config.rasterizer,
                self._config.interpolation,
                self._config.renormalize_normals,
            )
        return self._decoders[size]

    def _for_networks(self, crop: Image.Image) -> Image.Image:
        """The crop as the networks see it: the same frame, resampled about its centre."""
        size = self._config.image_size
        return crop if crop.width == size else crop.resize((size, size), Image.Resampling.BICUBIC)

    def _segment(self, small: Tensor, latents: Latents) -> Tensor:
        """Mask (1, S, S) of the segmentation network at the size that is drawn."""
        assert self._mask is not None
        with torch.no_grad():
            decoded: Decoded = self._network.decoder(latents)
            mask = self._mask(small, decoded)
            return functional.interpolate(
                mask[:, None], size=self.size, mode="bilinear", align_corners=False
            )[:, 0]

    def _described(
        self,
        face: Face,
        alignment: Alignment,
        large: Tensor,
        small: Tensor,
        landmarks: FloatArray,
        latents: Latents,
        vertices: IntArray,
    ) -> FittedFace:
        with torch.no_grad():
            decoded: Decoded = self.decoder(self.size)(latents, torch.from_numpy(vertices))
            if self._mask is not None:
                mask = self._segment(small, latents) * decoded.region
            else:
                mask = threshold_mask(self._config)(large, decoded)
        image = large[0].permute(1, 2, 0).numpy()
        render = decoded.image[0].permute(1, 2, 0).numpy()
        found = decoded.landmarks[0].numpy()
        visible = mask[0].numpy()
        return FittedFace(
            face=face,
            alignment=alignment,
            image=image,
            render=render,
            region=decoded.region[0].numpy(),
            visible=visible,
            latents={name: block[0].numpy() for name, block in latents._asdict().items()},
            landmarks=found,
            landmark_error=_landmark_error(landmarks, found),
            colour_error=_colour_error(image, render, visible > 0.5),
        )


def _networks(weights: Weights, model: MorphableModel) -> tuple[FaceAutoencoder, UNet | None]:
    """Load R and, where there is one, S."""
    if weights.encoder is None:  # the settings name them
        named = build_unet(weights.config, seed=0) if weights.config.unet.weights else None
        network = build_autoencoder(weights.config, model, seed=0).eval()
        return network, None if named is None else named.eval()
    # The folder may be the user's own, so nobody is told to delete it.
    advice = (
        "networks have to fit the settings: name the --preset of their training, or train again"
    )
    network = load_autoencoder(weights.config, model, weights.encoder, advice).eval()
    if weights.unet is None:
        return network, None
    return network, load_unet(weights.config, weights.unet, advice).eval()


def _tensor(image: Image.Image) -> Tensor:
    values = np.asarray(image, dtype=np.float32) / 255
    return torch.from_numpy(values).permute(2, 0, 1)[None].contiguous()


def _landmark_error(wanted: FloatArray, found: FloatArray) -> float:
    """Per cent of the distance of the outer eye corners, inner landmarks only."""
    eyes = float(np.linalg.norm(wanted[36] - wanted[45]))
    off = np.square(wanted[17:] - found[17:]).sum(axis=1).mean()
    return 100 * math.sqrt(float(off)) / max(eyes, 1e-6)


def _colour_error(image: FloatArray, render: FloatArray, inside: BoolArray) -> float | None:
    if not inside.any():
        return None
    off = np.clip(render[inside], 0, 1) - image[inside]
    return 255 * math.sqrt(float(np.square(off).mean()))
