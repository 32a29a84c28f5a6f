"""What stands in the documentation beside commands: links, files, settings, the example package."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from docs_support import DOCS, ROOT, all_blocks, pages

from focsbench.profiles.profile import check_profile

EXAMPLE = ROOT / "examples" / "third_party_baseline"


def headings(text):
    """Anchors of a page as MkDocs and GitHub make them."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    plain = [re.sub(r"[^\w\- ]", "", title.replace("`", "")).strip().lower() for title in titles]
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        generated = DOCS / "reference" / "commands.md"
        assert target.exists() or target.resolve() == generated, link
        if anchor:
            assert anchor in headings(target.read_text(encoding="utf-8")), link


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        assert f": {page.relative_to(DOCS).as_posix()}\n" in navigation, page


def test_settings_and_data_can_be_read():
    for block in all_blocks("toml"):
        values = tomllib.loads(block.text)
        if "methods" in values:
            check_profile(values)
    for block in all_blocks("json"):
        json.loads(block.text)


def test_the_example_package_is_what_the_page_shows():
    page = (DOCS / "plugins.md").read_text(encoding="utf-8")
    for name, language in (("stretched_mean.py", "python"), ("pyproject.toml", "toml")):
        text = (EXAMPLE / name).read_text(encoding="utf-8")
        assert f"```{language}\n{text}```" in page, name
    code = (EXAMPLE / "stretched_mean.py").read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) for line in code) <= 30


def test_public_text_names_no_places_of_ours():
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/home/|/work/|/opt/|/root/", text), page
