"""Trackers: the numbers of the summary arrive; without the library, a sentence says what to do."""

from __future__ import annotations

import importlib
import io
import struct
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from reports_support import make_context

from focsbench.errors import ConfigError
from focsbench.reports import tracking
from focsbench.reports.base import ReportContext
from focsbench.reports.cumulative_error import CumulativeError
from focsbench.reports.mlflow import ADDRESS, MLflow
from focsbench.reports.tensorboard import TensorBoard
from focsbench.reports.tracking import pictures, scalars
from focsbench.reports.wandb import WandB


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReportContext:
    monkeypatch.setattr(tracking, "PICTURES", (CumulativeError,))  # one is enough
    made = make_context(tmp_path)
    labels = {name: made.labels[name] for name in ("mofa", "focs")}
    return replace(made, labels=labels, summary=made.summary[made.summary["method"].isin(labels)])


def test_scalars_are_the_summary(context: ReportContext):
    first = context.summary.index[0]
    summary = context.summary.copy()
    summary.loc[first, "value"] = None
    numbers = scalars(replace(context, summary=summary))
    assert sum(map(len, numbers.values())) == len(summary) - 1
    for row in summary.drop(first).itertuples():
        name = f"{row.protocol}/{row.subset}/{row.metric}"
        assert numbers[row.method][name] == pytest.approx(row.value)


def test_pictures_are_gone_afterwards(context: ReportContext):
    with pictures(context) as drawn:
        assert [path.name for path in drawn] == ["cumulative_error.png"]
    assert not drawn[0].exists()
    assert not context.output.exists()


def _events(path: Path) -> list:
    """Read the records of an event file: length, its checksum, data, its checksum."""
    proto = importlib.import_module("tensorboardX.proto.event_pb2")
    content, place, events = path.read_bytes(), 0, []
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        events.append(proto.Event.FromString(content[place + 12 : place + 12 + length]))
        place += length + 16
    return events


def test_tensorboard_files_hold_numbers_and_figures(context: ReportContext):
    pytest.importorskip("tensorboardX")
    files = TensorBoard().write(context)
    assert [path.parent.name for path in files] == ["focs", "mofa", "figures"]
    assert all(path.parents[1] == context.output / "tensorboard" for path in files)
    for path in files[:2]:
        version, *events = _events(path)
        assert version.file_version == "brain.Event:2"
        values = {event.summary.value[0].tag: event.summary.value[0] for event in events}
        numbers = scalars(context)[path.parent.name]
        assert set(values) == set(numbers)
        for name, value in numbers.items():
            assert values[name].simple_value == pytest.approx(value, rel=1e-6)
    image = _events(files[2])[1].summary.value[0]
    assert image.tag == "cumulative_error"
    assert Image.open(io.BytesIO(image.image.encoded_image_string)).width == image.image.width
    first = [path.read_bytes() for path in files]
    assert [path.read_bytes() for path in TensorBoard().write(context)] == first


@pytest.mark.parametrize(
    ("tracker", "module", "extra"),
    [
        (TensorBoard, "tensorboardX", "tensorboard"),
        (WandB, "wandb", "wandb"),
        (MLflow, "mlflow", "mlflow"),
    ],
)
def test_a_library_that_is_missing_is_named(context, monkeypatch, tracker, module, extra):
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"focsbench\[{extra}\]"):
        tracker().write(context)


def test_mlflow_needs_a_place(context: ReportContext, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.delenv(ADDRESS, raising=False)
    with pytest.raises(ConfigError, match=ADDRESS):
        MLflow().write(context)


@pytest.mark.filterwarnings("ignore")
def test_mlflow_stores_numbers_and_figures(context: ReportContext, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv(ADDRESS, (tmp_path / "store").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    (listed,) = MLflow().write(context)
    client = mlflow.MlflowClient((tmp_path / "store").as_uri())
    runs = dict(line.split()[::-1] for line in listed.read_text().splitlines())
    assert set(runs) == {"mofa", "focs", "figures"}
    metrics = client.get_run(runs["focs"]).data.metrics
    assert metrics == pytest.approx(scalars(context)["focs"])
    shown = [file.path for file in client.list_artifacts(runs["figures"], "figures")]
    assert shown == ["figures/cumulative_error.png"]


@pytest.mark.filterwarnings("ignore")
def test_wandb_stays_offline(context: ReportContext, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    (kept,) = WandB().write(context)
    assert kept.parent.name.startswith("offline-run-")
    content = kept.read_bytes()
    for name in scalars(context)["focs"]:
        assert f"focs/{name}".encode() in content
    assert list(kept.parent.rglob("cumulative_error*.png"))
