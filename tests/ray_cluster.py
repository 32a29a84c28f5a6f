"""Runs a plan on a Ray cluster of two nodes of this machine, one of which is killed.

    python ray_cluster.py ROOT [--smoke]

Without --smoke: toy steps, a step that asks for a GPU, and a node that is killed while its step is
at work. With it: the profile ``smoke`` by a process pool, then on the cluster with a killed node.
Prints as JSON how the steps ended and which files differ.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import ray
from kill_runs import files_of
from ray.cluster_utils import Cluster
from runs_support import Toys, statuses

from focsbench.profiles.profile import load_profile
from focsbench.runs.executor import Executor
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import Plan, Resources
from focsbench.runs.ray_backend import RayBackend
from focsbench.runs.store import Store


def toy_plan(toys: Toys) -> Plan:
    """Steps that take a moment each, and one that asks for what no node has."""
    slow = [toys.step(f"s{n}", function="slow", seconds=2.0, number=n) for n in range(4)]
    shared = toys.step("items", function="items")
    gpu = toys.step("gpu", needs=Resources(gpus=1))
    failing = toys.step("refuse", function="refuse")
    return Plan([*slow, shared, failing, gpu, toys.step("last", "items", *(s.name for s in slow))])


def kill_when_busy(cluster: Cluster, node: object, root: Path, steps: int) -> None:
    """Kill a node, without warning, once so many results are there and others are being made."""
    while True:
        made = len(list((root / "artefacts").glob("[a-z]*")))
        if made >= steps and list((root / "artefacts").glob(".partial-*")):
            break
        time.sleep(0.05)
    time.sleep(0.3)
    cluster.remove_node(node, allow_graceful=False)


def main() -> None:
    """Run without and with the cluster; print what happened."""
    root, smoke = Path(sys.argv[1]), "--smoke" in sys.argv
    sys.path.insert(0, str(root))
    toys = Toys(root)
    plan = build_plan(load_profile("smoke")) if smoke else toy_plan(toys)
    started = time.process_time()
    expected = Executor(Store(root / "pool" / "artefacts"), workers=2).run(plan)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 0})
    node = cluster.add_node(num_cpus=1, num_gpus=0)
    cluster.wait_for_nodes()
    killer = threading.Thread(
        target=kill_when_busy, args=(cluster, node, root / "ray", 10 if smoke else 0), daemon=True
    )
    killer.start()
    outcome = Executor(
        Store(root / "ray" / "artefacts"),
        workers=1,
        backend=lambda: RayBackend(cluster.address, 1, root / "log.txt"),
    ).run(plan)
    killer.join(timeout=30)
    pool, on_ray = files_of(root / "pool"), files_of(root / "ray")
    cluster.shutdown()
    print(
        json.dumps(
            {
                "pool": statuses(expected),
                "ray": statuses(outcome),
                "reasons": {step.name: step.reason for step in outcome.steps if step.reason},
                "notices": {step.name: step.notice for step in outcome.steps if step.notice},
                "killed": not killer.is_alive(),
                "files": len(pool),
                "files that differ": sorted(
                    name for name in pool.keys() | on_ray.keys()
                    if pool.get(name) != on_ray.get(name) and not name.endswith("/pid")
                ),
                "cpu_seconds": round(time.process_time() - started, 1),
                "initialized": ray.is_initialized(),
            },
            indent=1,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
