"""The plan of ``run-all``, built from a profile without importing any method.

face_model, data -> training stages -> predict:METHOD:DATASET
    -> prepare:PROTOCOL -> score:METHOD:PROTOCOL -> aggregate -> report:NAME
               training stages -> sweep:WEIGHT:VALUE -> sweep -> aggregate

A step that joins the results of others does without those that failed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from focsbench import registry
from focsbench.errors import ConfigError
from focsbench.face_models.sources import checked_file, digest
from focsbench.focs.stages import STAGES, Stage
from focsbench.profiles.profile import Profile
from focsbench.registry import Kind
from focsbench.runs.cards import card_fingerprint
from focsbench.runs.dataset_manifest import manifest
from focsbench.runs.environment import describe_environment, package_version
from focsbench.runs.plan import Plan, Resources, Step
from focsbench.runs.row_settings import row_settings
from focsbench.runs.sources import SourceTree
from focsbench.runs.sweep_plan import PROTOCOL as SWEEP_PROTOCOL
from focsbench.runs.sweep_plan import SWEEP, sweep_stages, sweep_steps

if TYPE_CHECKING:
    from focsbench.focs.scale_config import ScaleConfig

# Rough seconds at the scale of the profile quick. They decide what starts first, nothing else.
_SECONDS_PER_ITERATION = 0.2
# Of the environment; the number of workers and of cores makes no difference to any result.
_REPORTED = ("python", "platform", "processor", "packages")
# GiB that a step reserves on a cluster; real photographs are mapped, so their number is no matter.
_GIB, _TRAINING_GIB = 1.0, 2.0


def build_plan(profile: Profile) -> Plan:
    """Return the plan of a run.

    Raises:
        ConfigError: if a name in the profile, or a stage that a baseline needs, does not exist.
        InputError: if a dataset folder or the face model file that the profile names does not
            exist.
    """
    return Plan(_Pipeline(profile).steps())


class _Pipeline:
    """Collects the steps; every method appends one kind of step."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._sources = SourceTree()
        self._sweep = profile.sweep
        method = profile.method_config()
        self._real = () if profile.data.synthetic is not None else tuple(profile.data.sources())
        self._schedule = method.schedule
        self._training_needs = _training_needs(method.scale)
        self._method = method.model_dump(mode="json")
        self._datasets = {
            protocol: self._declared(Kind.PROTOCOL, protocol, "dataset")
            for protocol in profile.protocols
        }
        self._labels = {
            method: self._declared(Kind.BASELINE, method, "label") for method in profile.methods
        }
        self._stages = {
            method: tuple(self._declared(Kind.BASELINE, method, "stages"))
            for method in profile.methods
        }

    def steps(self) -> Iterator[Step]:
        """Yield all steps."""
        yield self._face_model()
        yield from self._data()
        yield from self._training()
        yield from self._predictions()
        yield from self._scores()
        yield from self._swept()
        yield from self._results()

    def _step(
        self,
        name: str,
        function: str,
        inputs: tuple[str, ...],
        config: dict[str, Any],
        *plugins: str,
        parallel: bool = False,
        optional: Collection[str] = (),
        iterations: int = 0,
        needs: Resources | None = None,
        place: Mapping[str, Any] | None = None,
        data: str | None = None,
    ) -> Step:
        """Make a step.

        data: the dataset that it reads of the input ``data``, if not the one that config names;
            without any it reads them all.
        """
        inputs, known_as = self._of_dataset(inputs, data or config.get("dataset"))
        return Step(
            name,
            function,
            self._sources.version(function, *plugins),
            inputs,
            config,
            parallel,
            frozenset(optional),
            weight=max(1.0, _SECONDS_PER_ITERATION * iterations),
            needs=needs or Resources(memory=_GIB),
            place=place or {},
            known_as=known_as,
            sources=self._sources.files(function, *plugins),
        )

    def _of_dataset(
        self, inputs: tuple[str, ...], dataset: str | None
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Let a step that reads one real dataset depend on that one only."""
        if dataset is None or "data" not in inputs or dataset not in self._real:
            return inputs, {}
        one = f"data:{dataset}"
        return tuple(one if name == "data" else name for name in inputs), {one: "data"}

    def _declared(self, kind: Kind, name: str, attribute: str, default: Any = None) -> Any:
        """Read a class attribute of a plug-in from its source; import it only if that fails.

        default: taken where the attribute is not in the source; nothing is imported then.
        """
        try:
            return self._sources.class_constant(registry.target(kind, name), attribute)
        except LookupError:
            if default is not None:
                return default
        try:
            return getattr(registry.load(kind, name), attribute)
        except AttributeError:
            raise ConfigError(
                f"{kind.noun} {name} does not say its {attribute}; add it as a class attribute."
            ) from None

    def _said(self, method: str, attribute: str) -> str:
        """Return a class attribute that a baseline may have, or an empty string."""
        return str(self._declared(Kind.BASELINE, method, attribute, default=""))

    def _face_model(self) -> Step:
        name, file = self._profile.face_model, self._profile.face_model_file
        file = checked_file(name, file)
        config: dict[str, Any] = {"name": name}
        if file is None:
            config["anny"] = package_version("anny")
        else:
            config |= {"file": str(file), "sha256": digest(name, file)}
        function = "focsbench.runs.face_model:face_model_step"
        return self._step("face_model", function, (), config, parallel=True)

    def _data(self) -> Iterator[Step]:
        synthetic = self._profile.synthetic_config()
        if synthetic is not None:
            function = "focsbench.runs.synthetic_data:synthetic_data_step"
            config: dict[str, Any] = {
                "synthetic": synthetic.model_dump(mode="json"),
                "anny": package_version("anny"),  # its heads are photographed
            }
            yield self._step("data", function, (), config, parallel=True)
        else:
            yield from self._real_data()

    def _real_data(self) -> Iterator[Step]:
        """Yield a step per dataset, and one that joins them; its content decides its key."""
        module = "focsbench.runs.real_data"
        for name, source in self._profile.data.sources().items():
            plain = source.plain()
            rules = {field: plain[field] for field in plain if field not in source.paths()}
            yield self._step(
                f"data:{name}",
                f"{module}:real_data_step",
                (),
                {"dataset": name, "rules": rules, "manifest": manifest(source.paths())},
                parallel=True,
                place={"source": plain},
            )
        steps = {name: f"data:{name}" for name in self._profile.data.sources()}
        config = {"datasets": steps}
        yield self._step("data", f"{module}:join_data_step", tuple(steps.values()), config)

    def _training(self) -> Iterator[Step]:
        needed: dict[str, Stage] = {}
        for method, names in self._stages.items():
            for name in names:
                _add_stage(name, f"baseline {method}", needed)
        for name in sweep_stages(self._sweep) if self._sweep is not None else ():
            _add_stage(name, "the eta sweep", needed)
        for stage in needed.values():
            config = self._training_config(stage)
            if stage.evaluation:
                config["split"] = self._profile.evaluation_split
            yield self._step(
                stage.name,
                stage.function,
                ("face_model", *stage.needs) if stage.fits else stage.needs,
                config,
                parallel=stage.parallel,
                iterations=self._iterations(stage),
                needs=None if stage.parallel else self._training_needs,
                data="now" if stage.evaluation else "celeba",
            )

    def _training_config(self, stage: Stage) -> dict[str, Any]:
        model = {"face_model": self._profile.face_model} if stage.fits else {}
        return {**model, "seed": self._profile.seed, "method": stage.method(self._method)}

    def _iterations(self, stage: Stage) -> int:
        """Return the cost of a stage in iterations of R; rows of R have those of the method."""
        schedule = self._schedule
        return {
            "run_pack": 0,
            "run_pack_evaluation": 0,
            "run_warmup": schedule.warmup_iterations,
            "run_init": schedule.init_iterations,
            "run_segmentation": schedule.unet_pretrain_iterations,
            # Both networks and F work in these. What hangs on them should not wait behind rows.
            "run_em": 5 * schedule.joint_iterations // 4,
            "run_adapted": schedule.adaptation_iterations,
        }.get(stage.function.partition(":")[2], schedule.matched_iterations)

    def _predictions(self) -> Iterator[Step]:
        for method, stages in self._stages.items():
            plugin = registry.target(Kind.BASELINE, method)
            for dataset in dict.fromkeys(self._datasets.values()):
                config = {
                    "baseline": method,
                    "target": plugin,
                    "stages": list(stages),
                    "face_model": self._profile.face_model,
                    # A row that is not trained has no settings that could make it stale.
                    "method": STAGES[stages[-1]].method(self._method) if stages else {},
                    **self._images(dataset),
                }
                own = row_settings(self._profile, method, partial(self._said, method))
                if own:
                    config["row"] = own
                yield self._step(
                    f"predict:{method}:{dataset}",
                    "focsbench.runs.predict:predict_step",
                    ("face_model", "data", *stages),
                    config,
                    plugin,
                )

    def _scores(self) -> Iterator[Step]:
        for protocol, dataset in self._datasets.items():
            plugin = registry.target(Kind.PROTOCOL, protocol)
            predictions = {
                method: f"predict:{method}:{dataset}" for method in self._profile.methods
            }
            reads = self._declared(Kind.PROTOCOL, protocol, "prepare_reads_predictions")
            shared = {
                "protocol": protocol,
                "target": plugin,
                "card": self._card(protocol),
                **self._images(dataset),
            }
            compared = predictions if reads else {}
            yield self._step(
                f"prepare:{protocol}",
                "focsbench.runs.score:prepare_step",
                ("data", *compared.values()),
                {**shared, "predictions": compared},
                plugin,
                optional=compared.values(),
            )
            for method, step in predictions.items():
                prepared = f"prepare:{protocol}"
                yield self._step(
                    f"score:{method}:{protocol}",
                    "focsbench.runs.score:score_step",
                    ("data", step, prepared),
                    {**shared, "method": method, "predictions": step, "prepared": prepared},
                    plugin,
                    # Measuring against scans takes as long as a hundred iterations of training.
                    iterations=100 if dataset == "now" else 0,
                )

    def _swept(self) -> Iterator[Step]:
        if self._sweep is not None:
            yield from sweep_steps(
                self._sweep,
                self._method,
                self._training_config,
                self._images(self._declared(Kind.PROTOCOL, SWEEP_PROTOCOL, "dataset")),
                registry.target(Kind.PROTOCOL, SWEEP_PROTOCOL),
                partial(self._step, needs=self._training_needs),
                self._card(SWEEP_PROTOCOL),
            )

    def _card(self, protocol: str) -> str:
        """Return the fingerprint of a protocol's card: a changed rule is another protocol."""
        version = self._sources.version(registry.target(Kind.PROTOCOL, protocol))
        return card_fingerprint(protocol, version)

    def _results(self) -> Iterator[Step]:
        profile = self._profile
        swept = [SWEEP] if self._sweep is not None else []
        scores = [f"score:{m}:{p}" for p in profile.protocols for m in profile.methods] + swept
        function = "focsbench.runs.report:aggregate_step"
        yield self._step("aggregate", function, tuple(scores), {"scores": scores}, optional=scores)
        protocols = [registry.target(Kind.PROTOCOL, name) for name in profile.protocols]
        for report in profile.reports:
            plugin = registry.target(Kind.REPORT, report)
            source = self._declared(Kind.REPORT, report, "source", default="aggregate")
            source = source if source in swept else "aggregate"
            inputs, config = self._report_inputs(source)
            if self._declared(Kind.REPORT, report, "provenance", default=False):
                config |= self._provenance()
            optional = [name for name in inputs if name not in ("data", source)]
            yield self._step(
                f"report:{report}",
                "focsbench.runs.report:report_step",
                inputs,
                {**config, "report": report, "target": plugin},
                plugin,
                *protocols,
                optional=optional,
            )

    def _provenance(self) -> dict[str, Any]:
        """Return what a report may print about the run, without what does not change results.

        The list of reports is left out: writing one alone gives the same as writing all.
        """
        profile = self._profile.resolved().model_dump(mode="json", exclude={"reports"})
        environment = describe_environment(self._profile.seed, workers=0)
        stable = {k: v for k, v in environment.items() if k in _REPORTED}
        return {"profile": profile, "environment": stable}

    def _report_inputs(self, source: str) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return the inputs of a report and its config without its name.

        source: the step that holds its results; a report of the sweep alone needs nothing else.
        """
        profile = self._profile
        config = {
            "run": f"profile {profile.name}, {profile.evaluation_split} split, seed {profile.seed}",
            "seed": profile.seed,
            "results": source,
            "labels": [],
            "protocols": [],
            "predictions": {self._declared(Kind.PROTOCOL, SWEEP_PROTOCOL, "dataset"): {}},
            "distances": {},
            "split": profile.evaluation_split,
            "image_size": self._method["image_size"],
        }
        if source == SWEEP:
            return ("data", SWEEP), config
        predictions = {
            dataset: {method: f"predict:{method}:{dataset}" for method in profile.methods}
            for dataset in dict.fromkeys(self._datasets.values())
        }
        distances = {m: f"score:{m}:now" for m in profile.methods if "now" in profile.protocols}
        config |= {
            "labels": [list(pair) for pair in self._labels.items()],
            "protocols": list(profile.protocols),
            "cards": {name: self._card(name) for name in profile.protocols},
            "predictions": predictions,
            "distances": distances,
        }
        steps = [step for by_method in predictions.values() for step in by_method.values()]
        swept = [SWEEP] if self._sweep is not None else []
        return ("data", "aggregate", *steps, *distances.values(), *swept), config

    def _images(self, dataset: str) -> dict[str, Any]:
        return {
            "dataset": dataset,
            "split": self._profile.evaluation_split,
            "image_size": self._method["image_size"],
        }


def _training_needs(scale: ScaleConfig) -> Resources:
    """Return what a training stage occupies: a core per device, and the device if it is a GPU."""
    gpus = scale.devices if scale.accelerator == "cuda" else 0
    return Resources(cpus=scale.devices, gpus=gpus, memory=_TRAINING_GIB)


def _add_stage(name: str, asker: str, needed: dict[str, Stage]) -> None:
    """Add a stage after the stages that it needs."""
    if name in needed or name == "data":
        return
    if name not in STAGES:
        raise ConfigError(f"{asker} needs the training stage {name}, which does not exist.")
    for other in STAGES[name].needs:
        _add_stage(other, f"stage {name}", needed)
    needed[name] = STAGES[name]
