"""Reproduces the weights that ship in ``networks/weights``: data, recognition network, encoder."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.focs.presets import QUICK_ENCODER, QUICK_RECOGNITION, pretraining


@dataclass(frozen=True)
class PretrainingConfig:
    """How the shipped weights were made. Same values, same software, same bytes.

    seed: of data and training; far from the seeds of benchmarks, so that no person is shared.
    photos, photos_per_subject: size of the training set.
    encoder_iterations, recognition_iterations: mini-batches of each training.
    """

    seed: int = 1_000_003
    photos: int = 8000
    photos_per_subject: int = 6
    encoder_iterations: int = 5000
    recognition_iterations: int = 1500


def train_pretrained(
    output: Path, workers: int, config: PretrainingConfig | None = None
) -> list[Path]:
    """Generate the photographs, train both networks at once, return the files written.

    The photographs stay in ``output/data``: they are 256-pixel renders of ``config.photos``
    pictures and can be deleted afterwards.
    """
    from focsbench.data.aligned import pack
    from focsbench.data.celebahq import CelebAMaskHQ
    from focsbench.data.synthetic.benchmark import write_benchmark
    from focsbench.networks.pretrained import write_checksums

    config = config or PretrainingConfig()
    data, packed = output / "data", output / "aligned"
    if not packed.is_dir():
        write_benchmark(data, training_photos(config), workers)
        photographs = CelebAMaskHQ(data / "CelebAMask-HQ", "train", pretraining().image_size)
        draft = output / ".aligned"
        shutil.rmtree(draft, ignore_errors=True)  # of a call that was ended
        draft.mkdir()
        pack(photographs, draft, workers)
        draft.rename(packed)
    (output / "pretraining.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    jobs = (train_recognition_weights, train_encoder_weights)
    with ProcessPoolExecutor(min(workers, 2), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(job, packed, output, config) for job in jobs]
        paths = [future.result() for future in futures]
    write_checksums(output)  # again, now that both networks are there
    return paths


def training_photos(config: PretrainingConfig) -> SyntheticConfig:
    """Return the generator settings: many training photographs, next to no evaluation data."""
    return SyntheticConfig(
        seed=config.seed,
        celeba_train=config.photos,
        train_images_per_subject=config.photos_per_subject,
        celeba_val=1,
        celeba_test=1,
        ar_subjects=1,
        ar_val_subjects=1,
        now_subjects=1,
        now_val_subjects=1,
    )


def train_recognition_weights(packed: Path, output: Path, config: PretrainingConfig) -> Path:
    """Train F and write it with its checksum."""
    import torch

    from focsbench.data.aligned import AlignedArrays
    from focsbench.focs.loop import write_log
    from focsbench.focs.pretraining import train_recognition
    from focsbench.networks.pretrained import save_weights

    torch.set_num_threads(1)  # a fixed count, because it decides the order of sums
    network, log = train_recognition(
        AlignedArrays.load(packed),
        pretraining(),
        config.recognition_iterations,
        config.seed,
    )
    save_weights(network, output / QUICK_RECOGNITION, half=True)
    write_log(output, log, "recognition_log.jsonl")
    return output / QUICK_RECOGNITION


def train_encoder_weights(packed: Path, output: Path, config: PretrainingConfig) -> Path:
    """Train the encoder of R and write it with its checksum."""
    import torch

    from focsbench.data.aligned import AlignedArrays
    from focsbench.focs.build import build_autoencoder
    from focsbench.focs.loop import write_log
    from focsbench.focs.pretraining import train_encoder
    from focsbench.networks.pretrained import save_weights

    torch.set_num_threads(1)
    method = pretraining()
    network = build_autoencoder(method, "anny", config.seed)
    log = train_encoder(
        AlignedArrays.load(packed), method, network, config.encoder_iterations, config.seed
    )
    save_weights(network.encoder, output / QUICK_ENCODER, half=True)
    write_log(output, log, "encoder_log.jsonl")
    return output / QUICK_ENCODER
