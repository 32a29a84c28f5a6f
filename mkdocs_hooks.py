"""What the documentation site needs beyond MkDocs and its plug-ins.

Texts that lie elsewhere in the repository become pages, and links follow them; the list of commands
is written from the commands themselves; formulas become MathML, which browsers draw without fonts
or scripts from a network; mkdocstrings finds the package as it is imported.
"""

from __future__ import annotations

import html
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page
    from typer._click.core import Command, Context

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / ".site-sources" / "focsbench"
MAPPED = ("baselines", "protocols", "reports")
# Texts of the repository that are pages of the site as well.
PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
COMMANDS = "reference/commands.md"
_FENCE = re.compile(r"(^```.*?^```$)", re.M | re.S)
_LINK = re.compile(r"\[([^\]\[]*)\]\((?!\w+:|#|/)([^)#\s]+)(#[^)\s]*)?\)")
_MATH = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.S)
# Attributes in docstrings, a line each: "vertices: (V, 3) float, in mm".
_FIELDS = re.compile(r"<p>(\w+(?:, \w+)*: [^<]*(?:<code>[^<]*</code>[^<]*)*)</p>")
_FIELD = re.compile(r"^(\w+(?:, \w+)*): ", re.M)
_ROLE = re.compile(r":(?:func|class|mod|meth|data|attr):<code>~?\.?([^<]*)</code>")


def on_startup(command: str, dirty: bool) -> None:
    """Lay links to the package as it is imported, with the mapped folders in their place."""
    del command, dirty
    SOURCES.mkdir(parents=True, exist_ok=True)
    wanted = {entry.name: entry for entry in (ROOT / "focsbench").iterdir()}
    wanted |= {folder: ROOT / folder for folder in MAPPED}
    for link in SOURCES.iterdir():
        if link.name not in wanted:
            link.unlink()
    for name, entry in wanted.items():
        if not (SOURCES / name).exists():
            (SOURCES / name).symlink_to(entry)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put pages that the navigation does not name behind the guides."""
    named = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    guides = next(part["Guides"] for part in config.nav or [] if "Guides" in part)
    for path in sorted(Path(config.docs_dir).rglob("*.md")):
        page = path.relative_to(config.docs_dir).as_posix()
        if f": {page}\n" not in named:
            guides.append(page)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages whose text is not in the folder of the documentation."""
    from mkdocs.structure.files import File

    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, COMMANDS, content=commands_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to where their targets are in the site."""
    del config, files
    place = page.file.src_uri
    source = {target: source for source, target in PAGES.items()}.get(place, f"docs/{place}")
    return relinked(markdown, source, place)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn formulas into MathML, and what is left of other markup in docstrings into HTML."""
    del config, files
    content = _MATH.sub(_mathml, html)
    if page.file.src_uri.startswith("reference/"):
        content = _ROLE.sub(r"<code>\1</code>", content).replace("::</p>", ":</p>")
        content = _FIELDS.sub(_field_list, content)
    return content


def relinked(markdown: str, source: str, page: str) -> str:
    """Return a text with its relative links as the site needs them.

    A link to a file that is no part of the site becomes plain text.

    Args:
        markdown: the text.
        source: its path in the repository; page: its path in the site.
    """

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match.groups()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        inside = PAGES.get(path) or (path[5:] if path.startswith("docs/") else None)
        if inside is None:
            return text
        return (
            f"[{text}]({posixpath.relpath(inside, posixpath.dirname(page) or '.')}{anchor or ''})"
        )

    parts = _FENCE.split(markdown)
    return "".join(part if _FENCE.fullmatch(part) else _LINK.sub(link, part) for part in parts)


def commands_page() -> str:
    """Return the help of every command as Markdown."""
    from typer.main import get_command

    from focsbench.cli.main import app

    parts = ["# Commands", "What every command prints with `--help`."]
    for path, text in _helps(get_command(app), "focsbench"):
        parts += [f"## {path}", f"```text\n{text}\n```"]
    return "\n\n".join(parts) + "\n"


def _helps(command: Command, name: str, parent: Context | None = None) -> Iterator[tuple[str, str]]:
    context = command.context_class(command, info_name=name, parent=parent)
    yield context.command_path, command.get_help(context)
    for inner, subcommand in getattr(command, "commands", {}).items():
        yield from _helps(subcommand, inner, context)


def _field_list(match: re.Match[str]) -> str:
    """Return a paragraph of several attributes as a list; any other one as it is."""
    parts = _FIELD.split(match[1])[1:]
    if len(parts) < 4:
        return match[0]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return f"<ul>{''.join(f'<li><code>{name}</code>: {text}</li>' for name, text in pairs)}</ul>"


def _mathml(match: re.Match[str]) -> str:
    from latex2mathml.converter import convert

    display = "block" if match[1] == "div" else "inline"
    formula = str(convert(html.unescape(match[2]).strip(), display=display))
    for bar in ("&#x02016;", "&#x0007C;"):  # browsers stretch them to whatever stands between
        formula = formula.replace(f"<mo>{bar}</mo>", f'<mo stretchy="false">{bar}</mo>')
    return f'<div class="formula">{formula}</div>' if display == "block" else formula
