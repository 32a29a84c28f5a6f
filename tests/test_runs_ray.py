"""Steps on a Ray cluster of one node of this machine; ``ray_cluster.py`` has two and kills one."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("ray_cluster.py")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_a_plan_on_ray_gives_the_same_bytes(tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "run", "--nodes", "1"],
        env={**os.environ, "RAY_TMPDIR": "/tmp"},  # sockets have short paths
        capture_output=True,
        text=True,
        timeout=900,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    facts = json.loads(done.stdout[done.stdout.index("{\n") :])
    assert facts["on the cluster"] == {
        **dict.fromkeys(("s0", "s1", "s2", "s3", "items", "last"), "done"),
        "refuse": "failed",
        "gpu": "failed",
    }
    assert facts["reasons"]["refuse"] == "photo.jpg: not an image; replace it."
    assert facts["reasons"]["gpu"].startswith("it asks for 1 GPU and the best machine of the")
    assert facts["files that differ"] == facts["left over"] == []
