"""Runs blocks of the documentation one after the other: ``python docs_runner.py JOB RESULT``.

JOB is JSON: pages with a folder and blocks. What is large is made small: built-in profiles get a
tiny benchmark and the settings of ``smoke``. What would run in worker processes runs in this one,
because to start them costs more than what they do. Everything else is the real command line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from docs_support import commands

from focsbench.threads import single_thread

single_thread()

import numpy as np  # noqa: E402

from focsbench import processes, progress  # noqa: E402
from focsbench.cli.main import main  # noqa: E402
from focsbench.data.now import read_image_list  # noqa: E402
from focsbench.data.predictions import PredictionWriter  # noqa: E402
from focsbench.face_models import load_face_model  # noqa: E402
from focsbench.geometry.io import write_mesh  # noqa: E402
from focsbench.profiles import profile  # noqa: E402
from focsbench.types import Mesh, Reconstruction  # noqa: E402

TINY = {
    "photo_size": 96, "celeba_train": 8, "celeba_val": 2, "celeba_test": 4, "ar_subjects": 2,
    "ar_val_subjects": 1, "now_subjects": 2, "now_val_subjects": 1, "now_neutral": 1,
    "now_occlusions": 1, "now_expressions": 1, "now_selfies": 0,
}  # fmt: skip


def shrink() -> None:
    """Make built-in profiles tiny and worker processes calls."""
    read = profile._read

    def tiny(name: str) -> dict[str, Any]:
        values = read(name)
        if name in ("quick", "smoke", "full"):
            values["data"] = {"synthetic": TINY}
            values["method"] = {"preset": "smoke"}
            values["methods"] = ["mean_face", "mofa", "focs", "everything_visible", "ground_truth"]
            values["reports"] = ["table3", "html"]
        return values

    def submit(self: Any, function: Any, *args: Any, **kwargs: Any) -> Future[Any]:
        del self
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as a worker would
            future.set_exception(error)
        return future

    profile._read = tiny
    processes.WorkerPool.submit = submit  # type: ignore[method-assign]
    progress.silence()


def expanded(word: str) -> list[str]:
    """Return what a shell makes of a word with a star."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def run_command(words: list[str]) -> tuple[int, str]:
    """Call the command line; return its exit code and what it said."""
    if words[0] != "focsbench":
        return -1, f"{words[0]} is not run: say why the block is only parsed"
    said = io.StringIO()
    sys.argv = [name for word in words for name in expanded(word)]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0), said.getvalue()
        except Exception:  # noqa: BLE001 - is told to the test
            return -1, said.getvalue() + traceback.format_exc()
    return -1, "did not end"


def run_block(block: dict[str, Any], names: dict[str, Any]) -> list[str]:
    """Run a block; return what went wrong.

    names: of the page; its pieces of code share them, like the cells of a notebook.
    """
    if block["language"] == "python":
        try:
            exec(compile(block["text"], block["place"], "exec"), names)
        except Exception:  # noqa: BLE001 - is told to the test
            return [traceback.format_exc()]
        return []
    wrong = []
    for words in commands(block["text"]):
        code, said = run_command(words)
        block["said"].append(said)
        if code != block["exit_code"]:
            wrong.append(f"{' '.join(words)}: exit code {code}\n{said}")
    return wrong


def write_stand_ins(folder: Path) -> None:
    """Write files of the published forms that nobody may pass on; their numbers are made up."""
    import torch
    from face_model_files import write_bfm2017
    from weights_support import arcface_state

    folder.mkdir()
    write_bfm2017(folder / "model2017-1_bfm_nomouth.h5", modes=(6, 4, 6))
    torch.save(arcface_state(), folder / "backbone.pth")


def write_mica(folder: Path, now: Path) -> None:
    """Write the mean face as the demo of MICA would, for every image of NoW."""
    face = load_face_model("anny")
    for item in read_image_list(now / "imagepathsvalidation.txt"):
        (folder / item.key).mkdir(parents=True)
        write_mesh(folder / item.key / "mesh.ply", Mesh(face.mean_shape, face.triangles))
        np.save(folder / item.key / "kpt7.npy", face.mean_shape[face.landmarks7])


def write_predictions(folder: Path, now: Path, identity: int) -> None:
    """Write the same face for every image of NoW, with one identity mode changed."""
    face = load_face_model("anny")
    mode = np.zeros(len(face.identity_basis), dtype=np.float32)
    mode[identity] = 1
    mesh = Mesh(face.shape(mode), face.triangles)
    answer = Reconstruction(neutral=mesh, landmarks7=mesh.vertices[face.landmarks7])
    name = folder.name
    with PredictionWriter(
        folder, method=name, label=name, dataset="now", image_size=None
    ) as writer:
        for item in read_image_list(now / "imagepathsvalidation.txt"):
            writer.write(item.key, answer)


def prepare(page: dict[str, Any]) -> None:
    """Put into the folder of a page what its text supposes to be there."""
    folder = Path(page["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    for name, target in page["links"].items():
        Path(name).symlink_to(target)
    images = Path("NoW/imagepathsvalidation.txt")
    if images.exists():  # the embedded benchmark has no hidden part: its list stands in for that
        images.with_name("imagepathstest.txt").write_bytes(images.read_bytes())
    for name, identity in page["predictions"].items():
        write_predictions(folder / name, Path("NoW"), identity)
        write_mica(folder / "mica_outputs", Path("NoW"))


def run(job: Path, result: Path) -> None:
    """Run all pages of a job and write, per block, what it said, what went wrong, and its cost."""
    shrink()
    content = json.loads(job.read_text())
    write_stand_ins(job.with_name("files"))
    for page in content:
        prepare(page)
        names: dict[str, Any] = {"__name__": "__main__"}
        for block in page["blocks"]:
            block["said"] = []
            start = os.times()
            block["wrong"] = run_block(block, names)
            ended = os.times()
            block["cpu_seconds"] = round(sum(ended[:4]) - sum(start[:4]), 2)
    result.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
