"""Preview pictures: a known view, and that the whole sheet is written."""

from __future__ import annotations

import numpy as np
import pytest

from focsbench.face_models.preview import render_view, view_rotation

QUAD = np.array([[-10, -10, 0], [10, -10, 0], [10, 10, 0], [-10, 10, 0]], dtype=float)
TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)


def test_a_square_is_where_it_should_be():
    picture = render_view(QUAD, TRIANGLES, per_mm=2.0, box=(-20, 20, -20, 20))
    assert picture.shape == (80, 80, 3)
    drawn = (picture < 1).all(axis=2)
    rows, columns = np.nonzero(drawn)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 60, 20, 60)


def test_the_back_of_a_surface_is_not_drawn():
    picture = render_view(QUAD, TRIANGLES[:, ::-1].copy(), per_mm=2.0, box=(-20, 20, -20, 20))
    assert (picture == 1).all()


def test_vertex_colours_are_used():
    red = np.tile([1.0, 0.0, 0.0], (4, 1))
    picture = render_view(QUAD, TRIANGLES, colours=red, per_mm=1.0, box=(-20, 20, -20, 20))
    assert picture[20, 20, 0] > 0.3
    assert picture[20, 20, 1] == 0


def test_positive_yaw_turns_the_nose_to_the_right_of_the_picture():
    np.testing.assert_allclose(view_rotation(90) @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(view_rotation(0, 90) @ [0, 0, 1], [0, 1, 0], atol=1e-12)


@pytest.mark.slow
def test_the_sheet_is_written(tmp_path):
    from PIL import Image

    from focsbench.face_models import load_face_model
    from focsbench.face_models.preview import save_preview

    save_preview(load_face_model(), tmp_path / "deep" / "model.png")
    with Image.open(tmp_path / "deep" / "model.png") as picture:
        assert picture.size == (1600, 2800)
        assert np.asarray(picture.convert("L")).std() > 20
