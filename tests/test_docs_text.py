"""What stands in the documentation beside commands: links, files, settings, the example package."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import tomllib

import pytest
import typer
from docs_support import DOCS, ROOT, all_blocks, check_words, commands, pages, parsed

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


def test_links_of_other_texts_follow_them_into_the_site():
    spec = importlib.util.spec_from_file_location("mkdocs_hooks", ROOT / "mkdocs_hooks.py")
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    code = "```\n[x](../benchmarks/README.md)\n```\n"
    for source, page, text, wanted in (
        ("docs/a.md", "a.md", "[x](../benchmarks/README.md#y)", "[x](benchmarks.md#y)"),
        ("docs/a.md", "a.md", "[x](../focsbench/types.py)", "x"),
        ("docs/b/a.md", "b/a.md", "[x](../c.md) ![p](q.png)", "[x](../c.md) ![p](q.png)"),
        ("CHANGELOG.md", "changelog.md", "[x](docs/b/c.md)", "[x](b/c.md)"),
        ("docs/a.md", "a.md", "[x](https://x.org) [y](#z)", "[x](https://x.org) [y](#z)"),
        ("docs/a.md", "a.md", code, code),
    ):
        assert hooks.relinked(text, source, page) == wanted


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_the_text_exist(page):
    """They may leave arguments out, but no command or option may be unknown."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for line in re.findall(r"`(focsbench [^`]+)`", text):
        try:
            parsed(shlex.split(line)[1:])
        except typer.TyperException as error:
            if not re.search(r"Missing|requires an argument", error.format_message()):
                raise


@pytest.mark.parametrize(
    "line",
    [
        "focsbench run-all --no-such-option",
        "focsbench no-such-command",
        "focsbench now score one_argument",
        "focsbench run-all --set seeed=1",
        "focsbench run-all --set 'methods=[\"fox\"]'",
        'pip install -c constraints.txt ".[no-such-extra]"',
        "pip install ./no/such/folder",
        "python benchmarks/no_such_file.py",
    ],
)
def test_a_wrong_command_is_found_without_running_it(line):
    (words,) = commands(line)
    with pytest.raises(Exception, match=r"."):
        check_words(words)


def test_commands_of_a_block_are_told_apart():
    text = "a b  # c\nd 'e f' \\\n  g && h; i &\n"
    assert commands(text) == [["a", "b"], ["d", "e f", "g"], ["h"], ["i"]]


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
