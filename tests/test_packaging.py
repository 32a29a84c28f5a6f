"""What is installed, what the repository promises, and who imports whom."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from focsbench import registry
from focsbench.runs.sources import SourceTree

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAPPED = ("baselines", "protocols", "reports")
SOURCES = ("focsbench", *MAPPED)
NOT_SHIPPED = {".pyc", ".nbi", ".nbc"}


def shipped(path):
    return path.is_file() and path.suffix not in NOT_SHIPPED and "__pycache__" not in path.parts


def repository_files():
    """(path in the repository, path in the installed package) of everything that is installed."""
    for folder in SOURCES:
        for path in filter(shipped, sorted((ROOT / folder).rglob("*"))):
            inside = path.relative_to(ROOT)
            yield path, Path("focsbench") / inside if folder in MAPPED else inside


def modules():
    """Dotted name and syntax tree of every module."""
    for path, inside in repository_files():
        if path.suffix == ".py":
            name = ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel of the repository, unpacked."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in SOURCES:
        shutil.copytree(
            ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "*.nb?")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    code = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", code], cwd=copy, check=True, capture_output=True)
    unpacked = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(next((copy / "dist").glob("*.whl"))) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_wheel_has_one_import_name_and_every_file(wheel):
    tops = {path.name for path in wheel.iterdir()}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"focsbench"}
    installed = {path.relative_to(wheel) for path in (wheel / "focsbench").rglob("*")}
    missing = [str(inside) for _, inside in repository_files() if inside not in installed]
    assert missing == []


def test_wheel_imports_without_the_repository(wheel, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import focsbench.baselines, focsbench.protocols.base, focsbench.reports.claims\n"
        "files = [m.__file__ for n, m in sys.modules.items() if n.startswith('focsbench')]\n"
        "assert len(files) > 5 and all(f.startswith(sys.argv[1]) for f in files), files\n"
        "from focsbench.reports.claims import load_claims\n"
        "assert load_claims()\n"
        "from focsbench.profiles.profile import load_profile\n"
        "assert load_profile('quick').name == 'quick'\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code, wheel], cwd=tmp_path, check=True)


def test_every_package_is_listed():
    found = {
        ".".join(inside.parent.parts)
        for _, inside in repository_files()
        if inside.name == "__init__.py"
    }
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(found)


@pytest.mark.parametrize("kind", list(registry.Kind))
def test_entry_points_name_what_exists(kind):
    declared = PROJECT["project"]["entry-points"][kind.value]
    tree = SourceTree()
    for name, target in declared.items():
        assert registry.target(kind, name) == target
        assert tree.class_constant(target, "name") == name
    for target in declared.values():
        module = target.partition(":")[0].removeprefix("focsbench.")
        folder = ROOT / "focsbench" if kind is registry.Kind.ENGINE else ROOT
        assert (folder / f"{module.replace('.', '/')}.py").is_file()


def test_every_dependency_is_pinned():
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    for requirement in [*project["dependencies"], *extras["test"], *extras["dev"]]:
        name = re.match(r"[\w.-]+", requirement)[0].lower()
        assert name in pins or name == "focsbench"
    assert all(re.fullmatch(r"[\w.]+", version) for version in pins.values())  # no +cpu


def test_readme_and_ci_run_the_same_commands():
    readme = (ROOT / "README.md").read_text()
    ci = (ROOT / ".ci" / "run").read_text()
    assert "pip install -c constraints.txt . && focsbench run-all\n" in readme
    install, _, test = re.search(r"^(pip install .*) (&&) (pytest -n auto)$", readme, re.M).groups()
    assert install.replace("pip install", "pip install --quiet") in ci
    assert re.search(rf"^{test}$", ci, re.M)


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
def test_linter_is_content():
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "."]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


# Who may import whom: package -> focsbench packages and libraries it must not import at all.
FORBIDDEN = {
    "focsbench.geometry": ("torch", "focsbench.data", "focsbench.rendering", "focsbench.runs"),
    "focsbench.metrics": ("torch", "pathlib", "focsbench.data", "focsbench.runs"),
    "focsbench.rendering": ("focsbench.focs", "focsbench.data", "focsbench.runs"),
    "focsbench.networks": ("focsbench.focs", "focsbench.data", "focsbench.runs"),
    "focsbench.face_models": ("focsbench.focs", "focsbench.data", "focsbench.runs"),
    "focsbench.focs": ("focsbench.runs", "focsbench.cli", "focsbench.baselines"),
    "focsbench.data": ("focsbench.focs", "focsbench.runs", "focsbench.cli"),
    "focsbench.baselines": ("focsbench.runs", "focsbench.protocols", "focsbench.reports"),
    "focsbench.protocols": ("focsbench.runs", "focsbench.baselines", "focsbench.reports", "torch"),
    "focsbench.reports": ("focsbench.runs", "focsbench.baselines", "focsbench.focs", "torch"),
    "focsbench.weights": ("focsbench.focs", "focsbench.runs", "focsbench.cli"),
    "focsbench.runs": ("focsbench.cli", "focsbench.mock_run"),
    "focsbench.mock_run": ("focsbench.cli", "focsbench.baselines"),
}
# The one reader of pickles knows arrays only; head models come as pickles, too.
ALLOWED = {("focsbench.face_models", "focsbench.data.restricted_pickle")}
# Inside the mapped folders siblings are imported relatively; from folders below them absolutely.
RELATIVE = {f"focsbench.{folder}" for folder in MAPPED}


def absolute_imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)


def is_below(module, package):
    return module == package or module.startswith(f"{package}.")


def test_packages_import_only_what_they_may_know():
    broken = []
    for name, tree in modules():
        package = ".".join(name.split(".")[:2])
        forbidden = (*MAPPED, *FORBIDDEN.get(package, ()))
        if package in RELATIVE and name.count(".") == 2:
            forbidden = (*forbidden, package)
        broken += [
            f"{name} imports {module}"
            for module in absolute_imports(tree)
            if any(is_below(module, other) for other in forbidden)
            and (package, module) not in ALLOWED
        ]
    assert broken == []


def test_nothing_reads_pickles():
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only"):
                wanted = node.arg == "weights_only"
                assert getattr(node.value, "value", None) is wanted, name
