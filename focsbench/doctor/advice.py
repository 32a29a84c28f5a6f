"""The next step, for each of the three users."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from focsbench.doctor.assets import DETECTORS
from focsbench.doctor.findings import Section, State

RUN = Path("focsbench-run")
NEWCOMER = "You have no licensed data"
AUTHOR = "You have a method of your own"
REPRODUCER = "You have the real datasets"


def next_steps(sections: Iterable[Section], profile: str | None) -> dict[str, list[str]]:
    """Return what to do next, by user.

    profile: file of the profile that was looked at, if any.
    """
    found = {item.name: item.state for one in sections for item in one.items}
    broken = [name for name, state in found.items() if state is State.BROKEN]
    first = [f"first repair what is marked !!: {', '.join(broken[:3])}"] if broken else []
    report = RUN / "reports" / "report.md"
    if report.is_file():
        start = f"read {report}, or change a setting: focsbench run-all --set seed=1"
    else:
        start = "focsbench run-all (about 15 minutes on two cores), then read " + str(report)
    detector = any(found.get(name) is State.OK for name in DETECTORS)
    photo = [] if detector else ["for photographs of your own install a landmark detector (above)"]
    return {
        NEWCOMER: [*first, start, *photo],
        AUTHOR: [
            *first,
            "focsbench now check PREDICTIONS NOW, then focsbench now score PREDICTIONS NOW",
            "outputs of DECA, 3DDFA_V2, MICA, Deep3D: focsbench convert; all others: "
            "docs/tutorials/author.md",
        ],
        REPRODUCER: [*first, *_reproducer(found, profile)],
    }


def _reproducer(found: dict[str, State], profile: str | None) -> list[str]:
    if profile is None:
        return [
            "focsbench data check celeba FOLDER, and so for ar and now",
            "focsbench profile write paper, edit the file, focsbench doctor --profile FILE",
        ]
    wrong = [name for name, state in found.items() if state is State.BROKEN and "data." in name]
    if wrong:
        return [f"edit {profile}: {', '.join(wrong)}"]
    steps = [f"focsbench run-all --profile {profile}"]
    if found.get("scale") is not State.OK:
        steps.append("for several GPUs: pip install 'focsbench[scale]'")
    return steps
