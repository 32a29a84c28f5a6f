"""focsbench: the benchmark for monocular 3D face reconstruction under occlusion."""

__version__ = "0.1.0"
