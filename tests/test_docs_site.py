"""The documentation site: it builds without a warning, and opens without a network."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest
from docs_support import ROOT

NEEDED = ("material", "mkdocstrings", "latex2mathml")
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in NEEDED),
    reason="the extra docs is not installed",
)


@pytest.mark.slow
def test_the_site_builds_strictly_and_fetches_nothing(tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {path.relative_to(site).as_posix(): path.read_text() for path in site.rglob("*.html")}
    for name, text in pages.items():
        fetched = re.findall(r'<(?:script|img|iframe)[^>]*src="?(https?:[^">\s]+)', text)
        fetched += re.findall(r'<link[^>]*rel="?stylesheet"?[^>]*href="?(https?:[^">\s]+)', text)
        assert not fetched, f"{name}: {fetched}"
        assert 'class="arithmatex"' not in text, name
    assert "<math" in pages["protocols/now.html"]
    assert "focsbench now score" in pages["reference/commands.html"]
    for page, name in (
        ("geometry", "focsbench.geometry.procrustes.procrustes"),
        ("protocols", "focsbench.protocols.now.NoW"),
        ("core", "focsbench.types.Reconstruction"),
    ):
        assert f'id="{name}"' in pages[f"reference/{page}.html"]
    assert all(name in pages for name in ("changelog.html", "contributing.html", "benchmarks.html"))
