"""The tables of the tutorial for authors of methods are those of the code."""

from __future__ import annotations

import re

from docs_support import DOCS

from focsbench.convert import ADAPTERS
from focsbench.convert.adapter import NOW_IN_68
from focsbench.face_models.bfm2017_landmarks import NOMOUTH7

PAGE = DOCS / "tutorials" / "author.md"


def test_tables_of_the_page_are_those_of_the_code():
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \|.*\| (\d+) \| (\d+) \| (\d+) \|$", text, re.M)
    assert [int(row[1]) for row in rows] == list(NOW_IN_68)
    assert [int(row[2]) for row in rows] == [number - 17 for number in NOW_IN_68]
    assert tuple(int(row[3]) for row in rows) == NOMOUTH7
    for name in ADAPTERS:
        assert f"| `{name}` |" in text
