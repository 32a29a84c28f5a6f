"""OpenVINO on the CPU (extra ``openvino``), in float32 or bfloat16.

The networks are read from PyTorch directly; ONNX is not needed.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from focsbench.errors import CacheError, ConfigError, brief
from focsbench.inference.engine import Run

MODEL = "model.xml"  # its weights lie beside it, in model.bin


class OpenVINO:
    """Float32: the numbers of PyTorch but for rounding."""

    name: ClassVar[str] = "openvino"
    precision: ClassVar[str] = "f32"

    def __init__(self) -> None:
        # On import it would report to its makers unless this optional package is missing.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        try:
            import openvino
        except ImportError as error:
            raise ConfigError(
                f"engine {self.name}: the package openvino cannot be imported ({error}); "
                "`pip install 'focsbench[openvino]'`, or take --engine torch."
            ) from None
        self._openvino: Any = openvino
        self._core: Any = openvino.Core()
        self.version = version("openvino")

    def export(self, network: nn.Module, example: Sequence[Tensor], folder: Path) -> None:
        """Write a network as OpenVINO's intermediate representation; see `Engine.export`."""
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")  # tracing says what it cannot know of any network
                model = self._openvino.convert_model(network, example_input=tuple(example))
                for given, tensor in zip(model.inputs, example, strict=True):
                    shape = self._openvino.PartialShape([-1, *tensor.shape[1:]])
                    given.get_node().set_partial_shape(shape)
                model.validate_nodes_and_infer_types()
                self._openvino.save_model(model, folder / MODEL, compress_to_fp16=False)
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            raise ConfigError(
                f"engine {self.name}: {type(network).__name__} cannot be exported "
                f"({brief(error)}); take --engine torch."
            ) from error

    def load(self, folder: Path) -> Run:
        """Compile a network for this processor; see `Engine.load`."""
        settings = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        try:
            compiled = self._core.compile_model(folder / MODEL, "CPU", settings)
        except RuntimeError as error:
            raise CacheError(f"{folder}: cannot be loaded ({brief(error)}); delete it.") from error
        request = compiled.create_infer_request()

        def run(*inputs: Tensor) -> Tensor:
            given = [tensor.detach().contiguous().numpy() for tensor in inputs]
            (answer,) = request.infer(given, share_inputs=True, share_outputs=True).values()
            return torch.from_numpy(answer.copy())  # the request writes into its own again

        return run


class OpenVINOBfloat16(OpenVINO):
    """Bfloat16 where the processor has it: half the time, about three digits."""

    name: ClassVar[str] = "openvino-bf16"
    precision: ClassVar[str] = "bf16"

    def __init__(self) -> None:
        super().__init__()
        if "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise ConfigError(
                f"engine {self.name}: this processor has no bfloat16 (AMX or AVX-512 BF16); take "
                f"--engine {OpenVINO.name}."
            )
