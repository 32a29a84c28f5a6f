"""The store: complete or absent, and damage is noticed."""

import json

import pytest

from focsbench.errors import CacheError
from focsbench.items import JOURNAL
from focsbench.runs.artefact import DESCRIPTION
from focsbench.runs.store import Store

KEY = "0123456789abcdef" * 4


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "artefacts")


def fill(store, text="content"):
    with store.writing("train:em", KEY, {"config": {"x": 1}}) as out:
        (out / "sub").mkdir()
        (out / "sub" / "file.txt").write_text(text)
    return store.folder("train:em", KEY)


def test_written_and_found(store):
    assert store.find("train:em", KEY) is None
    folder = fill(store)
    assert folder.name == "train-em-0123456789ab"
    artefact = store.find("train:em", KEY, hashes=True)
    assert artefact.folder == folder
    assert list(artefact.files) == ["sub/file.txt"]
    assert artefact.files["sub/file.txt"]["size"] == 7
    facts = json.loads((folder / DESCRIPTION).read_bytes())
    assert facts["config"] == {"x": 1}
    assert facts["key"] == KEY


def fail_halfway(out):
    (out / "half").write_text("half")
    raise OSError("disk full")


def test_nothing_is_left_of_a_step_that_fails(store):
    with pytest.raises(OSError, match="full"), store.writing("a", KEY, {}) as out:
        fail_halfway(out)
    assert list(store.root.iterdir()) == []


def test_the_first_result_of_a_key_stays(store):
    fill(store, "first")
    folder = fill(store, "other")
    assert (folder / "sub" / "file.txt").read_text() == "first"
    assert list(store.root.iterdir()) == [folder]


def damage_missing(folder):
    (folder / "sub" / "file.txt").unlink()


def damage_shorter(folder):
    (folder / "sub" / "file.txt").write_text("cont")


def damage_no_description(folder):
    (folder / DESCRIPTION).unlink()


def damage_torn_description(folder):
    text = (folder / DESCRIPTION).read_text()
    (folder / DESCRIPTION).write_text(text[: len(text) // 2])


def damage_other_description(folder):
    (folder / DESCRIPTION).write_text("[1, 2]")


def damage_other_key(folder):
    text = (folder / DESCRIPTION).read_text()
    (folder / DESCRIPTION).write_text(text.replace(KEY, KEY[::-1]))


@pytest.mark.parametrize(
    "damage",
    [
        damage_missing,
        damage_shorter,
        damage_no_description,
        damage_torn_description,
        damage_other_description,
        damage_other_key,
    ],
)
def test_damage_is_noticed_and_the_file_named(store, damage):
    folder = fill(store)
    damage(folder)
    with pytest.raises(CacheError, match=r"(file\.txt|artefact\.json): this cached"):
        store.find("train:em", KEY)


def test_same_size_damage_is_noticed_by_hashes(store):
    folder = fill(store)
    (folder / "sub" / "file.txt").write_text("CONTENT")
    assert store.find("train:em", KEY) is not None
    with pytest.raises(CacheError, match="was changed"):
        store.find("train:em", KEY, hashes=True)


def test_what_a_killed_step_left_is_cleaned_away(store):
    folder = fill(store)
    (store.root / ".partial-a-123").mkdir()
    (store.root / ".partial-a-123" / "half").write_text("half")
    store.clean()
    assert {path.name for path in store.root.iterdir()} == {folder.name, ".locks"}


def test_who_makes_an_artefact_removes_what_a_killed_process_left_of_it(store):
    draft = store.root / f".partial-{store.folder('train:em', KEY).name}-12345678"
    other = store.root / f".partial-{store.folder('train:em2', KEY).name}-12345678"
    for folder in (draft, other):
        folder.mkdir(parents=True)
        (folder / "half").write_text("half")
    fill(store)
    assert not draft.exists()
    assert other.exists()  # perhaps another process is making it


def test_failures_are_kept(store):
    with store.writing("a", KEY, {}) as out:
        (out / "failures.json").write_text('{"k/1": "too dark"}')
    assert store.find("a", KEY).failures == {"k/1": "too dark"}


def test_finished_items_outlast_everything_but_the_result(store, monkeypatch):
    """A step killed on its last metres must not begin its items again."""

    def write() -> None:
        with store.writing("a", KEY, {}) as out:
            (out / JOURNAL).mkdir(exist_ok=True)
            (out / JOURNAL / "host-1.jsonl").write_text("{}\n")
            (out / "x").write_text("x")

    def killed(*_arguments: object, **_options: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("focsbench.runs.store._publish", killed)
        with pytest.raises(SystemExit):
            write()
    (journal,) = store.root.glob(f".partial-*/{JOURNAL}")
    assert any(journal.iterdir())
    write()
    artefact = store.find("a", KEY)
    assert list(artefact.files) == ["x"]
    assert not (artefact.folder / JOURNAL).exists()
    (artefact.folder / JOURNAL).mkdir()  # as if killed right after the renaming
    store.clean()
    assert not (artefact.folder / JOURNAL).exists()
