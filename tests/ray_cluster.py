"""Runs a plan on a Ray cluster whose nodes are all on this machine.

    python ray_cluster.py ROOT [--nodes N] [--kill] [--smoke] [CHANGE ...]

Without --smoke: toy steps, and one that asks for a GPU. With it: the profile ``smoke`` with
changes. Once by one process that does one thing after the other, once on the cluster; with --kill,
one node is killed while it is at work. Prints as JSON how the steps ended and which files differ.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

# Nodes that share a small machine: a worker may take long to start, and should then stay.
os.environ |= {
    "RAY_worker_register_timeout_seconds": "600",
    "RAY_idle_worker_killing_time_threshold_ms": "3600000",
    "RAY_num_workers_soft_limit": "8",
    "RAY_prestart_worker_first_driver": "0",
    "RAY_health_check_timeout_ms": "60000",
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_worker_niceness": "0",
}

from focsbench.threads import single_thread

single_thread()

import ray  # noqa: E402
from kill_support import files_of, left_over  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402
from runs_support import Toys, statuses  # noqa: E402

from focsbench import progress  # noqa: E402
from focsbench.profiles.profile import load_profile  # noqa: E402
from focsbench.runs.backends import InProcess  # noqa: E402
from focsbench.runs.executor import Executor  # noqa: E402
from focsbench.runs.pipeline import build_plan  # noqa: E402
from focsbench.runs.plan import Plan, Resources  # noqa: E402
from focsbench.runs.ray_backend import RayBackend  # noqa: E402
from focsbench.runs.store import Store  # noqa: E402

MEMORY = 100 << 20  # bytes of the object store of a node; results go through the run folder


def toy_plan(toys: Toys) -> Plan:
    """Steps that take a moment each, and one that asks for what no node has."""
    slow = [toys.step(f"s{n}", function="slow", seconds=1.0, number=n) for n in range(4)]
    shared = toys.step("items", function="items")
    gpu = toys.step("gpu", needs=Resources(gpus=1))
    failing = toys.step("refuse", function="refuse")
    return Plan([*slow, shared, failing, gpu, toys.step("last", "items", *(s.name for s in slow))])


def start_cluster(nodes: int) -> tuple[Cluster, object]:
    """Start nodes of one core; return them and the last one."""
    size = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": MEMORY}
    cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    last = cluster.head_node
    for _ in range(nodes - 1):
        last = cluster.add_node(**size)
    cluster.wait_for_nodes()
    return cluster, last


def kill_when_busy(cluster: Cluster, node: object, root: Path, steps: int) -> None:
    """Kill a node, without warning, once so many results are there and others are being made."""
    while True:
        made = len(list((root / "artefacts").glob("[a-z]*")))
        if made >= steps and list((root / "artefacts").glob(".partial-*")):
            break
        time.sleep(0.05)
    time.sleep(0.3)
    print(f"a node is killed when {made} results are there", file=sys.stderr, flush=True)
    cluster.remove_node(node, allow_graceful=False)


def main() -> int:
    """Run without and with the cluster; print what happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("changes", nargs="*")
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_intermixed_args()
    root = given.root
    root.mkdir(parents=True, exist_ok=True)
    progress.silence()
    toys = Toys(root)
    sys.path.insert(0, str(root))
    path = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(path)  # the nodes need the toys too
    plan = build_plan(load_profile("smoke", given.changes)) if given.smoke else toy_plan(toys)
    alone = Executor(Store(root / "alone" / "artefacts"), workers=1, backend=InProcess).run(plan)
    cluster, last = start_cluster(given.nodes)
    started = time.monotonic()
    killer = None
    if given.kill:
        arguments = (cluster, last, root / "ray", len(plan.steps) // 3 if given.smoke else 0)
        killer = threading.Thread(target=kill_when_busy, args=arguments, daemon=True)
        killer.start()
    outcome = Executor(
        Store(root / "ray" / "artefacts"),
        workers=1,
        backend=lambda: RayBackend(cluster.address, 1, root / "log.txt"),
    ).run(plan)
    seconds = time.monotonic() - started
    killed = killer is not None and not killer.is_alive()
    one, other = files_of(root / "alone"), files_of(root / "ray")
    cluster.shutdown()
    names = one.keys() | other.keys()
    facts = {
        "nodes": given.nodes,
        "a node was killed": killed,
        "alone": statuses(alone),
        "on the cluster": statuses(outcome),
        "reasons": {step.name: step.reason for step in outcome.steps if step.reason},
        "notices": {step.name: step.notice for step in outcome.steps if step.notice},
        "files": len(one),
        "files that differ": sorted(
            n for n in names if one.get(n) != other.get(n) and not n.endswith("/pid")
        ),
        # The checkpoints of finished stages go with the next run, on either side.
        "left over": sorted(set(left_over(root / "ray")) - set(left_over(root / "alone"))),
        "seconds on the cluster": round(seconds, 1),
        "still connected": ray.is_initialized(),
    }
    print(json.dumps(facts, indent=1))
    wrong = facts["files that differ"] or facts["left over"] or killed != given.kill
    return int(bool(wrong) or facts["alone"] != facts["on the cluster"])


if __name__ == "__main__":
    sys.exit(main())
