"""The commands and the code on the pages of the documentation.

A block is run unless a comment before it says why it is only parsed::

    <!-- parsed only: needs a cluster -->
    <!-- exit code 2: one photograph has no landmarks -->
"""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SHELL = frozenset({"sh", "bash", "console"})
_BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^>]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
_PARSED, _CODE = re.compile(r"parsed only: \S.*"), re.compile(r"exit code (\d): \S.*")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, what it is, and what the comment before it says."""

    page: str
    line: int
    language: str
    text: str
    note: str = ""

    @property
    def is_parsed_only(self) -> bool:
        return bool(_PARSED.fullmatch(self.note))

    @property
    def exit_code(self) -> int:
        match = _CODE.fullmatch(self.note)
        return int(match[1]) if match else 0

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """README and every page, those first on which others rest."""
    found = sorted(DOCS.rglob("*.md"))
    first = [DOCS / "tutorials" / "newcomer.md", DOCS / "tutorials" / "author.md"]
    return [*first, ROOT / "README.md", *(page for page in found if page not in first)]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(
            name,
            text[: match.start("language")].count("\n") + 1,
            match["language"],
            match["text"],
            match["note"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def all_blocks(*languages: str) -> list[Block]:
    return [one for page in pages() for one in blocks(page) if one.language in languages]


def commands(text: str) -> list[list[str]]:
    """Return the words of every command of a shell block; comments are left out."""
    lines = text.replace("\\\n", " ").splitlines()
    found: list[list[str]] = []
    for line in lines:
        words: list[str] = []
        for word in shlex.split(line, comments=True):
            if word not in ("&&", "&", ";", "do", "done"):
                words.append(word.removesuffix(";"))
                if not word.endswith(";"):
                    continue
            found.append(words)
            words = []
        found.append(words)
    return [words for words in found if words]


def check_words(words: list[str]) -> None:
    """Check a command without running it: what it names has to exist."""
    if "focsbench" in words and "pip" not in words:
        check_focsbench(words[words.index("focsbench") + 1 :])
    if words[:2] == ["pip", "install"]:
        check_install(words[2:])
    for word in words:
        if word.endswith(".py") and "/" in word:
            assert (ROOT / word).is_file(), word


def check_install(words: list[str]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for word in words:
        if match := re.fullmatch(r"(?:\.|focsbench)\[(.+)\]", word):
            assert set(match[1].split(",")) <= set(extras), word
        elif not word.startswith("-"):
            assert (ROOT / word).exists(), word


def check_focsbench(arguments: list[str]) -> dict[str, Any]:
    """Parse a command by the real command line; its profile and settings have to be good."""
    from focsbench.profiles.profile import load_profile, profile_names

    parameters = parsed(arguments)
    changes = [*(parameters.get("change") or ())]
    name = parameters.get("profile")
    if changes and "file" not in parameters and (name is None or name in profile_names()):
        # Imported weights are the user's; their names are known to nobody here.
        load_profile(name or "quick", [one for one in changes if ".weights=" not in one])
    return parameters


def parsed(arguments: list[str]) -> dict[str, Any]:
    """Return the parameters that the command would be called with."""
    seen: list[dict[str, Any]] = []
    _group(seen)(arguments, standalone_mode=False)
    assert len(seen) == 1, f"focsbench {shlex.join(arguments)}: no command was called"
    return seen[0]


def _group(seen: list[dict[str, Any]]) -> Any:
    """The command line with every command replaced by one that notes its parameters."""
    from typer.main import get_command

    from focsbench.cli.main import app

    def replaced(command: Any) -> None:
        for inner in getattr(command, "commands", {}).values():
            replaced(inner)
        if not hasattr(command, "commands"):
            command.callback = lambda **parameters: seen.append(parameters)

    group = get_command(app)
    replaced(group)
    return group
