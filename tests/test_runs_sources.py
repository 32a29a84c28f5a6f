"""Code versions: which files of the sources make a step stale."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from focsbench.errors import ConfigError
from focsbench.runs.sources import SourceTree

FILES = {
    "shop/__init__.py": "",
    "shop/till.py": "import shop.coins\n\ndef pay():\n    from .notes import change\n",
    "shop/coins.py": (
        "import json\n\nNAMED = ['shop.mint:Coin', 'shop.void', 'shop.goods', 'see shop.unused']\n"
    ),
    "shop/mint.py": "",
    "shop/notes.py": "from . import paper\n",
    "shop/paper.py": "",
    "shop/unused.py": "",
    "shop/goods/__init__.py": "",
    "shop/goods/list.toml": "a = 1",
    "shop/goods/prices/today.txt": "3",
    "shop/goods/apple.py": (
        "from ..coins import json\n\n"
        "class Apple:\n    name: str = 'apple'\n    needs = ('a', 'b')\n"
        "    computed = len('x')\n"
    ),
}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "shop"


def test_reachable_follows_imports_in_functions_relative_ones_and_by_name(shop):
    assert SourceTree().reachable("shop.till:pay") == {
        "shop", "shop.till", "shop.coins", "shop.mint", "shop.notes", "shop.paper",
    }  # fmt: skip
    assert SourceTree().reachable("shop.goods.apple") == {
        "shop", "shop.goods", "shop.goods.apple", "shop.coins", "shop.mint",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(FILES))
def test_exactly_the_reachable_files_change_the_version(shop, name):
    targets = ("shop.till:pay", "shop.goods.apple:Apple")
    before = [SourceTree().version(target) for target in targets]
    path = shop.parent / name
    path.write_text(path.read_text() + "\n# another byte\n")
    changed = [SourceTree().version(t) != old for t, old in zip(targets, before, strict=True)]
    in_till = name in {
        "shop/__init__.py", "shop/till.py", "shop/coins.py", "shop/mint.py", "shop/notes.py",
        "shop/paper.py",
    }  # fmt: skip
    shared = {"shop/__init__.py", "shop/coins.py", "shop/mint.py"}
    in_apple = name in shared or name.startswith("shop/goods/")
    assert changed == [in_till, in_apple]


def test_several_targets_are_one_version(shop):
    tree = SourceTree()
    both = tree.version("shop.till", "shop.goods.apple")
    assert both == tree.version("shop.goods.apple", "shop.till")
    assert len({both, tree.version("shop.till"), tree.version("shop.goods.apple")}) == 3


def test_class_constants_are_read_without_import(shop):
    tree = SourceTree()
    assert tree.class_constant("shop.goods.apple:Apple", "name") == "apple"
    assert tree.class_constant("shop.goods.apple:Apple", "needs") == ("a", "b")
    for attribute in ("computed", "missing"):
        with pytest.raises(LookupError):
            tree.class_constant("shop.goods.apple:Apple", attribute)
    with pytest.raises(LookupError):
        tree.class_constant("shop.goods.apple:Pear", "name")
    assert "shop" not in sys.modules


def test_missing_module_is_named(shop):
    with pytest.raises(ConfigError, match=r"module shop\.cellar does not exist"):
        SourceTree().version("shop.cellar:door")


def test_every_module_of_the_package_is_found_as_python_finds_it():
    """The mapped folders too, and without importing anything of them."""
    code = (
        "import sys, importlib\n"
        "from focsbench.runs.sources import SourceTree\n"
        "tree = SourceTree()\n"
        "found = tree.reachable('focsbench.protocols.now', 'focsbench.baselines.mofa')\n"
        "assert 'numpy' not in sys.modules and 'torch' not in sys.modules\n"
        "assert 'focsbench.protocols.base' in found and 'focsbench.types' in found\n"
        "module = importlib.import_module('focsbench.protocols.base')\n"
        "assert tree._spec('focsbench.protocols.base').origin == module.__file__\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True, timeout=60)


def test_weights_that_come_along_count(tmp_path, monkeypatch):
    """Other shipped weights are other results of every stage that can load them."""
    tree = SourceTree()
    spec = tree._spec("focsbench.networks")
    copy = tmp_path / "networks"
    shutil.copytree(Path(spec.origin).parent, copy, ignore=shutil.ignore_patterns("weights"))
    monkeypatch.setattr(spec, "origin", str(copy / "__init__.py"))
    monkeypatch.setattr(spec, "submodule_search_locations", [str(copy)])
    target = "focsbench.focs.stages:run_em"
    (copy / "weights").mkdir()
    (copy / "weights" / "quick_encoder.safetensors").write_bytes(b"one")
    one = tree.version(target)
    tree._lines.clear()
    tree._texts.clear()
    (copy / "weights" / "quick_encoder.safetensors").write_bytes(b"two")
    assert tree.version(target) != one
