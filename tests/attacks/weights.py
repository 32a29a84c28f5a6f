"""Hostile weights: what carries a network may carry anything."""

from __future__ import annotations

import json
import os
import struct
from functools import partial

from attacks.arrays import COMMAND
from attacks.case import Case, content, sparse

SMALL = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


def safetensors(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def stage(name: str, data: bytes) -> Case:
    return content(name, "encoder.safetensors", "weights", data)


def cached(name: str, data: bytes) -> Case:
    return content(name, "model.safetensors", "face_model", data)


def tensor(**changes: object) -> dict[str, object]:
    return {"a": {**SMALL["a"], **changes}}


ATTACKS = (
    stage("safetensors_header_of_exabytes", safetensors(SMALL, b"\0" * 8, 1 << 60)),
    stage("safetensors_header_is_no_json", safetensors(b"{" * 1000, b"\0" * 8)),
    stage("safetensors_of_a_trillion_numbers", safetensors(tensor(shape=[1 << 40]), b"\0" * 8)),
    stage("safetensors_offsets_outside", safetensors(tensor(data_offsets=[0, 1 << 40]), b"\0" * 8)),
    stage("safetensors_offsets_backwards", safetensors(tensor(data_offsets=[8, 0]), b"\0" * 8)),
    stage("safetensors_of_another_network", safetensors(SMALL, b"\0" * 8)),
    stage("safetensors_truncated", safetensors(SMALL, b"\0" * 3)),
    stage("safetensors_is_a_pickle", COMMAND),
    Case(
        "safetensors_of_terabytes", "encoder.safetensors", "weights", partial(sparse, size=1 << 40)
    ),
    Case("safetensors_is_a_pipe", "encoder.safetensors", "weights", os.mkfifo),
    cached("face_model_without_checksum", safetensors(SMALL, b"\0" * 8)),
    cached("face_model_is_text", b"hello, this is no face model"),
    cached("face_model_nested", safetensors(b"[" * 100_000)),
)
