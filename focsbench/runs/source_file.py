"""What one source file says about itself, found by parsing: its imports and class constants.

Remembered by content, because a process that plans often (a test suite, a notebook) would
otherwise parse the whole project each time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MODULE_IN_STRING = re.compile(r"([a-z_]\w*(?:\.\w+)+)(?::\w+)?")


@dataclass(frozen=True)
class SourceFile:
    """One parsed file.

    imported: dotted names that it may import, also some that do not exist. named: dotted names in
        strings of their own. constants: literal class attributes, by class and name.
    """

    imported: tuple[str, ...]
    named: tuple[str, ...]
    constants: Mapping[str, Mapping[str, Any]]


@lru_cache(maxsize=4096)
def parse_source(content: bytes, package: str) -> SourceFile:
    """Parse a file.

    Args:
        content: of the file.
        package: dotted name of the package that its relative imports start from.

    Raises:
        SyntaxError: if it is not Python.
    """
    tree = ast.parse(content)
    nodes = list(ast.walk(tree))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return SourceFile(
        tuple(dict.fromkeys(name for node in nodes for name in _imported_by(node, package))),
        tuple(dict.fromkeys(name for node in nodes for name in _named_in(node))),
        {node.name: dict(_literals(node)) for node in classes},
    )


def _imported_by(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, *filter(None, [node.module])])
        yield base
        # ``from package import name`` may mean a module of the package.
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _named_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        match = MODULE_IN_STRING.fullmatch(node.value)
        if match:
            yield match[1]


def _literals(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    targets: Sequence[ast.expr]
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        elif isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        else:
            continue
        try:
            literal = ast.literal_eval(value)
        except ValueError:
            continue
        yield from ((target.id, literal) for target in targets if isinstance(target, ast.Name))
