"""What the source code behind a step is, found without importing it (torch stays asleep).

A step's result depends on every module that its function can reach. Those are found by following
the import statements (also the ones inside functions) through the packages of the project, so a
change of one file makes exactly the steps stale that can reach it. A string that is the name of
a module counts as an import, because that is how modules are named that a program imports by
name; plug-ins, which are found through entry points, are named as further roots. Files that a
package carries, such as the weights of the networks, count with the package.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from focsbench.errors import ConfigError
from focsbench.runs.source_file import SourceFile, parse_source

SKIPPED_SUFFIXES = frozenset({".py", ".pyc", ".pyo", ".nbi", ".nbc"})


class SourceTree:
    """The modules below the packages of the roots; remembers every file that it has read."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}
        self._paths: dict[str, Path | None] = {}
        self._contents: dict[Path, bytes] = {}
        self._lines: dict[str, str] = {}
        self._imported: dict[str, tuple[str, ...]] = {}
        self._texts: dict[tuple[str, ...], str] = {}

    def version(self, *targets: str) -> str:
        """Return the hash of all code and package data that the targets can reach.

        Args:
            targets: ``package.module`` or ``package.module:attribute``.

        Raises:
            ConfigError: if a target's module does not exist.
        """
        return hashlib.sha256(self._text(targets).encode()).hexdigest()

    def files(self, *targets: str) -> dict[str, str]:
        """Return the hash by name of the modules and data files behind :meth:`version`."""
        lines = (line.rpartition(" ") for line in self._text(targets).splitlines())
        return {name: digest[:16] for name, _, digest in lines}

    def _text(self, targets: tuple[str, ...]) -> str:
        if targets not in self._texts:
            modules = sorted(self.reachable(*targets))
            self._texts[targets] = "".join(map(self._described, modules))
        return self._texts[targets]

    def reachable(self, *targets: str) -> set[str]:
        """Return the dotted names of all modules that the targets can import, themselves too."""
        queue = [target.partition(":")[0] for target in targets]
        for module in queue:
            if self._spec(module) is None:
                raise ConfigError(f"module {module} does not exist; is its package installed?")
        tops = {"focsbench", *(module.partition(".")[0] for module in queue)}
        seen: set[str] = set()
        while queue:
            module = queue.pop()
            if module in seen or module.partition(".")[0] not in tops or not self._path(module):
                continue
            seen.add(module)
            # Importing a module runs the packages above it.
            queue.append(module.rpartition(".")[0])
            queue.extend(self._imports(module))
        return seen

    def class_constant(self, target: str, name: str) -> Any:
        """Return a literal class attribute without importing the module.

        Args:
            target: ``package.module:Class``.
            name: the attribute; its value must be a literal in the body of the class.

        Raises:
            LookupError: if there is no such literal; the class has to be imported then.
        """
        module, _, class_name = target.partition(":")
        if self._path(module) is None:
            raise LookupError(target)
        return self._parsed(module).constants[class_name][name]

    def _path(self, module: str) -> Path | None:
        """Return the source file of a module, or None if it has none."""
        if module not in self._paths:
            spec = self._spec(module)
            origin = spec.origin if spec else None
            self._paths[module] = Path(origin) if origin and origin.endswith(".py") else None
        return self._paths[module]

    def _described(self, module: str) -> str:
        """Return a line with the hash of a module, and of each data file of a package."""
        path = self._path(module)
        if module not in self._lines and path is not None:
            digest = hashlib.sha256(self._read(path)).hexdigest()
            lines = [f"{module} {digest}\n"]
            for data in _data_files(path.parent) if self._is_package(module) else ():
                digest = hashlib.sha256(data.read_bytes()).hexdigest()
                lines.append(f"{module}/{data.relative_to(path.parent).as_posix()} {digest}\n")
            self._lines[module] = "".join(lines)
        return self._lines[module]

    def _spec(self, module: str) -> ModuleSpec | None:
        """Find a module as the import system would, but without running its parents."""
        if module not in self._specs:
            parent = module.rpartition(".")[0]
            if not parent:
                self._specs[module] = _find_top(module)
            else:
                above = self._spec(parent)
                locations = above.submodule_search_locations if above else None
                self._specs[module] = _find_below(module, list(locations)) if locations else None
        return self._specs[module]

    def _read(self, path: Path) -> bytes:
        if path not in self._contents:
            self._contents[path] = path.read_bytes()
        return self._contents[path]

    def _parsed(self, module: str) -> SourceFile:
        path = self._path(module)
        assert path is not None
        package = module if self._is_package(module) else module.rpartition(".")[0]
        return parse_source(self._read(path), package)

    def _imports(self, module: str) -> tuple[str, ...]:
        """Return the dotted names that a module may import, also some that do not exist."""
        if module not in self._imported:
            parsed = self._parsed(module)
            # A package named in a string is no code that runs (entry-point groups, for example).
            modules = (
                name for name in parsed.named if self._path(name) and not self._is_package(name)
            )
            self._imported[module] = (*parsed.imported, *modules)
        return self._imported[module]

    def _is_package(self, module: str) -> bool:
        spec = self._spec(module)
        return spec is not None and spec.submodule_search_locations is not None


def _find_top(module: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None


def _find_below(module: str, locations: list[str]) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find_spec(module, locations) if find_spec else None
        if spec is not None:
            return spec
    return None


def _data_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a package that are not code, also those of folders without code."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        if path.is_dir():
            if not (path / "__init__.py").exists():
                yield from _data_files(path)
        elif path.suffix not in SKIPPED_SUFFIXES:
            yield path
