"""Rules by which a dataset is read: where they are kept, and how protocols get to print them.

A dataset with choices has an attribute ``policies``, a mapping from the name of a rule on a
protocol card to its text. The choices themselves stand in ``policies.json`` of its folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from focsbench.errors import InputError
from focsbench.user_files import read_json_object

POLICY_FILE = "policies.json"


def policies_of(dataset: object) -> Mapping[str, str]:
    """Return the rules that a dataset was read by, as words for a protocol card."""
    policies = getattr(dataset, "policies", {})
    return policies if isinstance(policies, Mapping) else {}


def read_policies(path: Path) -> dict[str, str]:
    """Read named choices; nothing if the file is not there.

    Raises:
        InputError: if it is no JSON object of texts.
    """
    if not path.exists():
        return {}
    content = read_json_object(path, "file of rules")
    if not all(isinstance(text, str) for text in content.values()):
        raise InputError(f"{path}: expected an object of texts; write it again.")
    return content
