"""The choice of a rasteriser (:mod:`.fragments`) by name."""

from __future__ import annotations

from importlib.util import find_spec

from torch import Tensor

from focsbench.errors import ConfigError
from focsbench.rendering.fragments import Fragments, Rasterizer


def get_rasterizer(name: str = "auto", cull_backfaces: bool = True) -> Rasterizer:
    """The rasteriser called ``auto``, ``numba``, ``torch`` or ``pytorch3d``.

    ``auto`` goes by the device of each call: numba on the CPU; elsewhere pytorch3d where it is
    installed, else torch. Raises ConfigError for an unknown name or a missing package.
    """
    if name == "auto":
        return AutomaticRasterizer(cull_backfaces)
    if name == "numba":
        from focsbench.rendering.numba_rasterizer import NumbaRasterizer

        return NumbaRasterizer(cull_backfaces)
    if name == "torch":
        from focsbench.rendering.torch_rasterizer import TorchRasterizer

        return TorchRasterizer(cull_backfaces)
    if name == "pytorch3d":
        from focsbench.rendering.pytorch3d_rasterizer import PyTorch3DRasterizer

        return PyTorch3DRasterizer(cull_backfaces)
    raise ConfigError(
        f"There is no rasterizer called {name!r}: choose auto, numba, torch or pytorch3d."
    )


class AutomaticRasterizer:
    """`Rasterizer` that leaves each call to the best one for its device."""

    def __init__(self, cull_backfaces: bool = True) -> None:
        self.cull_backfaces = cull_backfaces

    def __call__(
        self, camera_vertices: Tensor, uv: Tensor, triangles: Tensor, image_size: int
    ) -> Fragments:
        """See `Rasterizer`."""
        if uv.device.type == "cpu":
            name = "numba"
        else:
            name = "pytorch3d" if find_spec("pytorch3d") else "torch"
        chosen = get_rasterizer(name, self.cull_backfaces)
        return chosen(camera_vertices, uv, triangles, image_size)
