"""The fast CPU path: one autograd function whose stages are compiled kernels.

Forward: pose and projection, z-buffer, normals and light, interpolation. Backward: the same
stages in reverse, with visibility held fixed. Each image is computed by one thread, so the result
is the same to the last bit for any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from focsbench.rendering.camera import focal_length, principal_point
from focsbench.rendering.camera_kernels import project_images, project_images_backward
from focsbench.rendering.deferred import Scene
from focsbench.rendering.interpolation_kernels import (
    interpolate_images,
    interpolate_images_backward,
)
from focsbench.rendering.numba_rasterizer import rasterize_images
from focsbench.rendering.shading_kernels import shade_images, shade_images_backward
from focsbench.rendering.threads import over_images


def render_fused(
    triangles: Tensor, image_size: int, perspective: bool, cull_backfaces: bool, scene: Scene
) -> tuple[Tensor, Tensor, Tensor]:
    """Image (B, 3, S, S), region (B, S, S) bool and uv (B, V, 2); see `Renderer`.

    All float32 or all float64, on the CPU.
    """
    apply: Any = _FusedRender.apply
    image, ids, uv = apply(triangles, image_size, perspective, cull_backfaces, *scene)
    return image, ids >= 0, uv


class _FusedRender(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        triangles: Tensor,
        image_size: int,
        perspective: bool,
        cull_backfaces: bool,
        *scene: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        faces = triangles.numpy()
        inputs = [tensor.detach().contiguous().numpy() for tensor in scene]
        vertices, albedo, angles, translation, light = inputs
        batch, count, _ = vertices.shape
        focal, centre = _camera(vertices.dtype, image_size)

        def empty(*shape: int) -> Any:
            return np.empty((batch, *shape), vertices.dtype)

        camera, uv, inverse_depth = empty(count, 3), empty(count, 2), empty(count)
        normals, lengths, colours = empty(count, 3), empty(count), empty(count, 3)
        image, nearest = empty(3, image_size, image_size), empty(image_size, image_size)
        ids = np.empty(nearest.shape, np.int32)

        def work(first: int, last: int) -> None:
            project_images(
                first, last, vertices, angles, translation, focal, centre, camera, uv, inverse_depth
            )
            rasterize_images(
                first, last, uv, inverse_depth, faces, True, cull_backfaces, ids, nearest
            )
            shade_images(first, last, camera, faces, albedo, light, normals, lengths, colours)
            interpolate_images(
                first, last, uv, inverse_depth, faces, ids, perspective, colours, image
            )

        over_images(work, batch)
        outputs = torch.from_numpy(image), torch.from_numpy(ids), torch.from_numpy(uv)
        ctx.mark_non_differentiable(outputs[1])
        ctx.set_materialize_grads(False)
        ctx.perspective, ctx.focal = perspective, focal
        ctx.save_for_backward(triangles, *scene, outputs[1], outputs[2])
        ctx.internal = camera, inverse_depth, normals, lengths, colours
        return outputs

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_image: Tensor | None, _grad_ids: None, grad_uv: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        faces, vertices, albedo, angles, translation, light, ids, uv = (
            tensor.detach().contiguous().numpy() for tensor in ctx.saved_tensors
        )
        camera, inverse_depth, normals, lengths, colours = ctx.internal
        grad_pixels = _as_array(grad_image, (len(uv), 3, *ids.shape[1:]), uv.dtype)
        grad_screen = _as_array(grad_uv, uv.shape, uv.dtype)
        grad_camera = np.empty_like(camera)
        grad_corners = np.empty((*inverse_depth.shape, 6), inverse_depth.dtype)
        gradients = [
            np.empty_like(array) for array in (vertices, albedo, angles, translation, light)
        ]
        grad_vertices, grad_albedo, grad_angles, grad_translation, grad_light = gradients

        def work(first: int, last: int) -> None:
            interpolate_images_backward(
                first,
                last,
                uv,
                inverse_depth,
                faces,
                ids,
                ctx.perspective,
                colours,
                grad_pixels,
                grad_corners,
            )
            shade_images_backward(
                first,
                last,
                camera,
                faces,
                albedo,
                light,
                normals,
                lengths,
                grad_corners,
                grad_camera,
                grad_albedo,
                grad_light,
            )
            project_images_backward(
                first,
                last,
                angles,
                translation,
                ctx.focal,
                camera,
                grad_camera,
                grad_corners,
                grad_screen,
                grad_vertices,
                grad_angles,
                grad_translation,
            )

        over_images(work, len(uv))
        return None, None, None, None, *(torch.from_numpy(gradient) for gradient in gradients)


def _camera(dtype: Any, image_size: int) -> tuple[Any, Any]:
    """Focal length and principal point as scalars of the arrays' own precision."""
    return dtype.type(focal_length(image_size)), dtype.type(principal_point(image_size))


def _as_array(gradient: Tensor | None, shape: tuple[int, ...], dtype: Any) -> Any:
    """The gradient of an output, zero where nothing depends on the output."""
    if gradient is None:
        return np.zeros(shape, dtype)
    return gradient.contiguous().numpy()
