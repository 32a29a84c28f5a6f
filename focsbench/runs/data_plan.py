"""The first steps of a plan: the face model and the photographs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from focsbench.face_models.sources import checked_file, digest
from focsbench.runs.dataset_manifest import manifest
from focsbench.runs.environment import package_version
from focsbench.runs.plan import Step
from focsbench.runs.step_maker import StepMaker


def face_model_step(make: StepMaker) -> Step:
    """Return the step that builds or reads the face model.

    Raises:
        InputError: if its file does not exist.
    """
    name = make.profile.face_model
    file = checked_file(name, make.profile.face_model_file)
    config: dict[str, Any] = {"name": name}
    if file is None:
        config["anny"] = package_version("anny")
    else:
        config |= {"file": str(file), "sha256": digest(name, file)}
    function = "focsbench.runs.face_model:face_model_step"
    return make.step("face_model", function, (), config, parallel=True)


def data_steps(make: StepMaker) -> Iterator[Step]:
    """Yield the step ``data``, and before it one for each real dataset.

    Raises:
        InputError: if the folder of a dataset does not exist.
    """
    synthetic = make.profile.synthetic_config()
    if synthetic is None:
        yield from _real_data(make)
        return
    config: dict[str, Any] = {
        "synthetic": synthetic.model_dump(mode="json"),
        "anny": package_version("anny"),  # its heads are photographed
    }
    function = "focsbench.runs.synthetic_data:synthetic_data_step"
    yield make.step("data", function, (), config, parallel=True)


def _real_data(make: StepMaker) -> Iterator[Step]:
    """Yield a step per dataset, and one that joins them; its content decides its key."""
    module = "focsbench.runs.real_data"
    steps = {}
    for name, source in make.profile.data.sources().items():
        steps[name] = f"data:{name}"
        plain = source.plain()
        rules = {field: plain[field] for field in plain if field not in source.paths()}
        yield make.step(
            steps[name],
            f"{module}:real_data_step",
            (),
            {"dataset": name, "rules": rules, "manifest": manifest(source.paths())},
            parallel=True,
            place={"source": plain},
        )
    yield make.step("data", f"{module}:join_data_step", tuple(steps.values()), {"datasets": steps})
