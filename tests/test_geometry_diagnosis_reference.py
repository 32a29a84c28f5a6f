"""No finding on the reference pairs of the official evaluation, and the right one on bad copies."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from diagnosis_support import both, keep, names
from test_geometry_now_reference import MM_PER_UNIT, REFERENCE

from focsbench.data.predictions import PredictionFolder
from focsbench.geometry.diagnosis import diagnose_landmarks
from focsbench.geometry.diagnosis_fit import unit_findings
from focsbench.geometry.io import read_landmarks7, read_mesh
from focsbench.geometry.scan_crop import CroppedScan, crop_scan
from focsbench.types import Mesh

_LIST = REFERENCE / "official" / "non_metrical.json"
PAIRS = json.loads(_LIST.read_text())["pairs"] if _LIST.is_file() else []
SWAPPED = [3, 2, 1, 0, 4, 6, 5]


@cache
def _scan(subject):
    vertices = read_mesh(REFERENCE / "dataset/scans" / subject / "scan.obj").vertices
    landmarks = read_landmarks7(REFERENCE / "dataset/scans_lmks_onlypp" / subject / "scan.pp")
    kept = crop_scan(vertices, landmarks)
    return CroppedScan(vertices[kept], kept, landmarks)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["key"])
def test_reference_pairs(pair):
    scan = _scan(pair["line"].split("/")[0])
    key = pair["line"].removesuffix(".jpg")
    mesh, landmarks = PredictionFolder(REFERENCE / "predictions").geometry(key)
    assert names(mesh, landmarks, scan) == []
    assert diagnose_landmarks(mesh, landmarks) == []
    stated = MM_PER_UNIT.get(pair["kind"])
    if stated is not None:
        assert names(mesh, landmarks, scan, stated) == []
    for mm_per_unit in (1.0, 10.0, 1000.0):
        found = unit_findings(landmarks, scan.landmarks, mm_per_unit)
        assert [f.name for f in found] == ([] if mm_per_unit == stated else ["wrong_unit"])


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["key"])
def test_bad_copies_of_the_reference_pairs(pair):
    scan = _scan(pair["line"].split("/")[0])
    key = pair["line"].removesuffix(".jpg")
    mesh, landmarks = PredictionFolder(REFERENCE / "predictions").geometry(key)
    centre = mesh.vertices.mean(axis=0)
    smaller = Mesh(centre + 0.97 * (mesh.vertices - centre), mesh.triangles)
    assert names(both(mesh, smaller), landmarks, scan) == ["layered_surface"]
    flip = np.array([1, -1, 1])
    flipped = Mesh(mesh.vertices * flip, mesh.triangles)
    assert names(flipped, landmarks * flip, scan) == ["mirrored_mesh"]
    assert names(mesh, landmarks[SWAPPED], scan) == ["landmarks_left_right_swapped"]
    assert names(mesh, landmarks[[1, 0, 2, 3, 4, 5, 6]], scan) == ["wrong_landmark_order"]
    eyes = np.linalg.norm(landmarks[3] - landmarks[0])
    near = np.linalg.norm(mesh.vertices - landmarks[4], axis=1) < 0.9 * eyes
    found = names(keep(mesh, near), landmarks, scan)
    assert "mesh_smaller_than_crop" in found
