"""A few images in exactly the published structure of CelebAMask-HQ; shapes, not photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from focsbench.data.landmarks_csv import write_landmarks

# (number, index in CelebA): two of train, one of val, three of test
IMAGES = ((0, 119613), (1, 99094), (2, 170000), (3, 200121), (4, 190000), (2001, 182638))
SIDE, MASK_SIDE = 64, 32
GLASSES, HAT = 3, 4  # what these images wear


def face_landmarks(side: float) -> np.ndarray:
    """68 points of a schematic frontal face that fills most of a square."""
    angle = np.linspace(0, np.pi, 17)
    points = np.zeros((68, 2))
    points[:17] = np.stack([0.5 - 0.34 * np.cos(angle), 0.45 + 0.4 * np.sin(angle)], 1)
    points[17:27] = np.stack([np.linspace(0.22, 0.78, 10), np.full(10, 0.3)], 1)
    points[27:36] = np.stack([np.full(9, 0.5), np.linspace(0.38, 0.6, 9)], 1)
    points[31:36, 0] = np.linspace(0.44, 0.56, 5)
    for first, centre in ((36, 0.35), (42, 0.65)):
        turn = np.linspace(np.pi, -np.pi, 7)[:6]
        eye = np.stack([centre + 0.06 * np.cos(turn), 0.4 - 0.02 * np.sin(turn)], 1)
        points[first : first + 6] = eye
    turn = np.linspace(np.pi, -np.pi, 21)[:20]
    points[48:68] = np.stack([0.5 + 0.13 * np.cos(turn), 0.7 - 0.05 * np.sin(turn)], 1)
    points[48], points[54] = (0.37, 0.7), (0.63, 0.7)
    return points * side


def part_boxes(number: int) -> dict[str, tuple[float, float, float, float]]:
    """Parts as boxes (left, top, right, bottom) in shares of the side."""
    boxes = {
        "skin": (0.1, 0.2, 0.9, 0.95),
        "nose": (0.44, 0.38, 0.56, 0.62),
        "l_eye": (0.29, 0.38, 0.41, 0.42),
        "r_eye": (0.59, 0.38, 0.71, 0.42),
        "u_lip": (0.37, 0.65, 0.63, 0.7),
        "l_lip": (0.37, 0.7, 0.63, 0.75),
        "hair": (0.1, 0.0, 0.9, 0.2),
        "neck": (0.3, 0.95, 0.7, 1.0),
    }
    if number == GLASSES:
        boxes["eye_g"] = (0.2, 0.34, 0.8, 0.46)
    if number == HAT:
        boxes["hat"] = (0.0, 0.0, 1.0, 0.12)
    return boxes


def write_celebahq(root: Path, landmarks: bool = True) -> Path:
    """Write photographs, part masks and the mapping; all_landmarks.csv is ours."""
    folder = root / "CelebAMask-HQ"
    (folder / "CelebA-HQ-img").mkdir(parents=True)
    lines = ["idx         orig_idx    orig_file"]
    for number, original in IMAGES:
        lines.append(f"{number:<12}{original:<12}{original + 1:06d}.jpg")
        photo = np.random.default_rng(number).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(photo).save(folder / f"CelebA-HQ-img/{number}.jpg", quality=90)
        block = folder / "CelebAMask-HQ-mask-anno" / str(number // 2000)
        block.mkdir(parents=True, exist_ok=True)
        for part, box in part_boxes(number).items():
            mask = Image.new("RGB", (MASK_SIDE, MASK_SIDE))  # the published files are RGB
            corners = [round(share * MASK_SIDE) for share in box]
            corners[2:] = [corners[2] - 1, corners[3] - 1]
            ImageDraw.Draw(mask).rectangle(corners, fill=(255, 255, 255))
            mask.save(block / f"{number:05d}_{part}.png")
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(lines) + "\n")
    for name in ("CelebAMask-HQ-attribute-anno.txt", "CelebAMask-HQ-pose-anno.txt"):
        (folder / name).write_text("30000\n")
    if landmarks:
        points = face_landmarks(SIDE)
        write_landmarks(
            folder / "all_landmarks.csv", ((f"{number}.jpg", points) for number, _ in IMAGES)
        )
    return folder
