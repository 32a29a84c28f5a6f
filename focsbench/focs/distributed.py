"""Training on several devices or in mixed precision, by Lightning Fabric (the extra ``scale``).

Every process builds the same networks and the same whole batch, and trains on its share of that
batch; losses and gradients are those of the whole batch (see `collectives`). What would otherwise
depend on the number of processes is shared as well: the statistics of batch normalisation and the
random numbers of dropout.
"""

from __future__ import annotations

import math
import signal
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessException
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from focsbench import errors
from focsbench.errors import ConfigError, FocsbenchError
from focsbench.focs.collectives import processes, sum_over_processes
from focsbench.focs.engine import Engine, Stateful, choose_device
from focsbench.focs.scale_config import ScaleConfig

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

    from lightning_fabric import Fabric

Work = Callable[..., None]


def train_on(config: ScaleConfig, batch_size: int, work: Work, *arguments: Any) -> None:
    """Call ``work(engine, *arguments)``, in as many processes as the settings ask for.

    Args:
        config: devices and precision. The default runs here, without Fabric.
        batch_size: of all devices together.
        work: function of a module; it and the arguments must be picklable for several devices.

    Raises:
        ConfigError: if the settings do not fit the machine, the batch, or what is installed.
        FocsbenchError: that ``work`` raised, also where it ran in another process and the others
            wait for that one.
    """
    device = choose_device(config)
    if config.plain:
        work(Engine(torch.device(device)), *arguments)
        return
    _check(config, device, batch_size)
    from focsbench.focs.fabric import make_fabric

    # What a process raises reaches its parent as text; the others, which wait for it, are ended.
    told: SimpleQueue[tuple[str, str]] = get_context("spawn").SimpleQueue()
    try:
        make_fabric(config, device).launch(_in_process, told, work, arguments)
    except ProcessException:
        if told.empty():
            raise
        kind, message = told.get()
        raise getattr(errors, kind)(message) from None


def _check(config: ScaleConfig, device: str, batch_size: int) -> None:
    if batch_size % config.devices:
        raise ConfigError(
            f"scale.devices is {config.devices}, which does not divide batch_size {batch_size}; "
            "change one of them."
        )
    if config.precision == "fp16" and device == "cpu":
        raise ConfigError("scale.precision fp16 needs a GPU; choose bf16 or float32.")
    if find_spec("lightning_fabric") is None:
        raise ConfigError(
            "several devices and mixed precision need Lightning Fabric; "
            "install it with: pip install 'focsbench[scale]'."
        )


def _in_process(
    fabric: Fabric, told: SimpleQueue[tuple[str, str]], work: Work, arguments: tuple[Any, ...]
) -> None:
    """Run in one of the processes; tell the class and the sentence of an error for the user."""
    if fabric.world_size > 1:
        # The parent ends its children by SIGINT, which workers of a run have learnt to ignore.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # About speed alone: kernels of one pixel have two equal layouts, and DDP sees two.
        warnings.filterwarnings("ignore", message="Grad strides do not match", category=UserWarning)
    try:
        work(FabricEngine(fabric), *arguments)
    except FocsbenchError as error:
        told.put((type(error).__name__, str(error)))
        raise


class FabricEngine(Engine):
    """One of several processes, or one in mixed precision."""

    def __init__(self, fabric: Fabric) -> None:
        super().__init__(fabric.device)
        self.rank, self.world = fabric.global_rank, fabric.world_size
        self._fabric = fabric
        self._scaler = getattr(fabric.strategy.precision, "scaler", None)
        self.skips = self._scaler is not None

    def prepare(
        self, module: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """See `Engine`."""
        if self.world > 1:
            share_statistics(module)
            share_dropout(module, self.rank, self.world)
        prepared: tuple[nn.Module, torch.optim.Optimizer] = self._fabric.setup(module, optimizer)
        return prepared

    def frozen(self, module: nn.Module) -> nn.Module:
        """See `Engine`."""
        return _Mixed(self._fabric, module)

    def frozen_recognizer(self, network: nn.Module) -> nn.Module:
        """See `Engine`. Only the backbone: the crop is geometry and stays in float32."""
        network.backbone = _MixedBackbone(self._fabric, network.get_submodule("backbone"))
        return network

    def backward(self, loss: Tensor) -> None:
        """See `Engine`."""
        self._fabric.backward(loss)

    def clip(
        self, module: nn.Module | None, optimizer: torch.optim.Optimizer, limit: float | None
    ) -> float:
        """See `Engine`."""
        largest = math.inf if limit is None else limit
        norm = self._fabric.clip_gradients(
            module, optimizer, max_norm=largest, error_if_nonfinite=False
        )
        return float(norm) if norm is not None else math.nan

    def mean(self, values: Tensor) -> Tensor:
        """See `Engine`."""
        return sum_over_processes(values) / self.world

    def wait(self) -> None:
        """See `Engine`."""
        self._fabric.barrier()

    def state(self) -> Mapping[str, Stateful]:
        """See `Engine`."""
        return {} if self._scaler is None else {"loss_scale": self._scaler}


class _Mixed(nn.Module):
    """A network that computes in the precision of the run and answers in float32."""

    def __init__(self, fabric: Fabric, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self._fabric = fabric

    def forward(self, *inputs: Tensor) -> Any:
        """Call the network."""
        with self._fabric.autocast():
            answer = self.module(*inputs)
        if isinstance(answer, Tensor):
            return answer.float()
        return type(answer)(*(value.float() for value in answer))


class _MixedBackbone(nn.Module):
    """The two parts of the recognition network, in the precision of the run."""

    def __init__(self, fabric: Fabric, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone: Any = backbone
        self._fabric = fabric

    def shallow(self, crops: Tensor) -> Tensor:
        """Features of the first stage."""
        with self._fabric.autocast():
            features: Tensor = self.backbone.shallow(crops)
        return features.float()

    def deep(self, shallow: Tensor) -> Tensor:
        """Embedding of those features."""
        with self._fabric.autocast():
            embedding: Tensor = self.backbone.deep(shallow)
        return embedding.float()


def share_statistics(module: nn.Module) -> None:
    """Make batch normalisation use the mean and variance of the whole batch, in place."""
    for name, child in module.named_children():
        if not isinstance(child, _BatchNorm):
            share_statistics(child)
        elif child.running_mean is not None and child.running_mean.is_cuda:
            setattr(module, name, _of_torch(child))
        else:  # torch's version is for GPUs alone
            child.__class__ = SharedBatchNorm


def _of_torch(layer: nn.Module) -> nn.Module:
    convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
    return convert(layer)


class SharedBatchNorm(_BatchNorm):
    """Batch normalisation whose statistics are those of all processes, on any device."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C) or (B, C, H, W)."""
        if not self.training:
            return super().forward(input)
        dimensions = [0, *range(2, input.dim())]
        shape = [1, -1, *[1] * (input.dim() - 2)]
        values = input.float()
        count = processes() * values.numel() // values.shape[1]
        mean = sum_over_processes(values.sum(dim=dimensions)) / count
        squares = (values - mean.view(shape)).square().sum(dim=dimensions)
        variance = sum_over_processes(squares) / count
        self._remember(mean.detach(), variance.detach() * count / max(count - 1, 1))
        gain = (variance + self.eps).rsqrt()
        output = (values - mean.view(shape)) * gain.view(shape)
        if self.affine:
            output = output * self.weight.view(shape) + self.bias.view(shape)
        return output.to(input.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept what 1D and 2D layers do."""

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.momentum is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


def share_dropout(module: nn.Module, rank: int, world: int) -> None:
    """Make dropout draw as one process with the whole batch would, in place."""
    for child in module.modules():
        if isinstance(child, nn.Dropout):
            child.__class__ = SharedDropout
            child.share = (rank, world)  # type: ignore[assignment]


class SharedDropout(nn.Dropout):
    """Dropout of one share of a batch: draws for the whole batch, uses its part."""

    share: tuple[int, int]

    def forward(self, input: Tensor) -> Tensor:
        """Drop values of (B, C, H, W)."""
        if not self.training or self.p == 0:
            return input
        rank, world = self.share
        count = len(input)
        # The order of the draws follows the memory layout, so the layout has to be kept.
        channels_last = input.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        whole = torch.ones(
            (world * count, *input.shape[1:]), dtype=input.dtype, device=input.device
        ).contiguous(memory_format=layout)
        kept = functional.dropout(whole, self.p)
        return input * kept[rank * count : (rank + 1) * count]
