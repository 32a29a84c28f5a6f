"""What all parts of the plan need: steps with their code versions, and what plug-ins declare.

No plug-in is imported; what the plan has to know of one is read from its source.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from focsbench import registry
from focsbench.errors import ConfigError
from focsbench.profiles.profile import Profile
from focsbench.registry import Kind
from focsbench.runs.cards import card_fingerprint
from focsbench.runs.plan import Resources, Step
from focsbench.runs.sources import SourceTree

if TYPE_CHECKING:
    from focsbench.focs.scale_config import ScaleConfig

# Rough seconds at the scale of the profile quick. They decide what starts first, nothing else.
_SECONDS_PER_ITERATION = 0.2
# GiB that a step reserves on a cluster; real photographs are mapped, so their number is no matter.
_GIB, _TRAINING_GIB = 1.0, 2.0


class StepMaker:
    """Makes the steps of one profile.

    profile: of the run; method: settings of the method, as JSON values; schedule: its iterations;
    datasets: dataset by protocol; labels, stages: printed name and training stages by row;
    training_needs: what a training stage occupies.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._sources = SourceTree()
        self._real = () if profile.data.synthetic is not None else tuple(profile.data.sources())
        method = profile.method_config()
        self.method: dict[str, Any] = method.model_dump(mode="json")
        self.schedule = method.schedule
        self.training_needs = _training_needs(method.scale)
        self.datasets: dict[str, str] = {
            protocol: self.declared(Kind.PROTOCOL, protocol, "dataset")
            for protocol in profile.protocols
        }
        self.labels: dict[str, str] = {
            row: self.declared(Kind.BASELINE, row, "label") for row in profile.methods
        }
        self.stages: dict[str, tuple[str, ...]] = {
            row: tuple(self.declared(Kind.BASELINE, row, "stages")) for row in profile.methods
        }

    def step(
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

        Args:
            name: see :class:`.plan.Step`, as function, inputs, config, parallel, optional, place.
            function: see above.
            inputs: see above.
            config: see above.
            *plugins: targets of the plug-ins that it calls; their code counts.
            parallel: see above.
            optional: see above.
            iterations: of training that take as long as the step.
            needs: by default one core and 1 GiB.
            place: see above.
            data: the dataset that it reads of the input ``data``, if not the one that config
                names; without any it reads them all.
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

    def declared(self, kind: Kind, name: str, attribute: str, default: Any = None) -> Any:
        """Read a class attribute of a plug-in from its source; import it only if that fails.

        Args:
            kind: of the plug-in.
            name: of the plug-in.
            attribute: of its class.
            default: taken where the attribute is not in the source; nothing is imported then.

        Raises:
            ConfigError: if it has no such attribute.
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

    def card(self, protocol: str) -> str:
        """Return the fingerprint of a protocol's card: a changed rule is another protocol."""
        version = self._sources.version(registry.target(Kind.PROTOCOL, protocol))
        return card_fingerprint(protocol, version)

    def images(self, dataset: str) -> dict[str, Any]:
        """Return the config of steps that look at the photographs of a dataset."""
        return {
            "dataset": dataset,
            "split": self.profile.evaluation_split,
            "image_size": self.method["image_size"],
        }

    def _of_dataset(
        self, inputs: tuple[str, ...], dataset: str | None
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Let a step that reads one real dataset depend on that one only."""
        if dataset is None or "data" not in inputs or dataset not in self._real:
            return inputs, {}
        one = f"data:{dataset}"
        return tuple(one if name == "data" else name for name in inputs), {one: "data"}


def _training_needs(scale: ScaleConfig) -> Resources:
    """Return what a training stage occupies: a core per device, and the device if it is a GPU."""
    gpus = scale.devices if scale.accelerator == "cuda" else 0
    return Resources(cpus=scale.devices, gpus=gpus, memory=_TRAINING_GIB)
