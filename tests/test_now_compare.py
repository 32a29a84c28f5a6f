"""``focsbench now compare``: new and official results side by side, paired where possible."""

import numpy as np
import pandas as pd
import pytest
from now_support import LINES

from focsbench.data.now import NoWItem
from focsbench.errors import InputError
from focsbench.metrics.error_curve import curve_grid
from focsbench.metrics.scan_distance import distance_statistics
from focsbench.now.compare import compare
from focsbench.now.compare_files import comparison_markdown, write_comparison
from focsbench.now.contenders import read_contenders
from focsbench.now.distance_files import distance_file
from focsbench.now.legacy import LegacyResult, legacy_name, write_legacy
from focsbench.now.result import ImageScore, NowResult, summarise_group, write_json
from focsbench.now.result_folder import RESULT

SIZES = {"anna": 40, "bela": 60}
ITEMS = [NoWItem(line[:-4], *line.split("/")[:2], line) for line in LINES]


def errors_of(method, line):
    rng = np.random.default_rng([len(method), LINES.index(line)])
    return np.abs(rng.normal(0, len(method), SIZES[line.split("/")[0]]))


def new_result(folder, method, lines=LINES, **fields):
    """A result folder as ``now score`` writes it, of made-up distances."""
    scores = []
    folder.mkdir()
    for line in lines:
        path = distance_file(folder, line[:-4])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, errors_of(method, line))
        numbers = distance_statistics([errors_of(method, line)])
        scores.append(
            ImageScore(line, numbers.n, numbers.median, numbers.mean, numbers.std, 5, 1.0, 0.1)
        )
    group = summarise_group(len(LINES), scores, [errors_of(method, line) for line in lines])
    missing = {line: "no mesh" for line in LINES if line not in lines}
    settings = {
        "mode": "official",
        "metrical_unit": None,
        "protocol": {"name": "now", "version": 2},
    }
    result = NowResult(
        method=method, images=tuple(scores), missing=missing, overall=group, challenges={},
        subjects={}, **{**settings, **fields},
    )  # fmt: skip
    write_json(folder / RESULT, result)
    return folder


def official_result(folder, method, lines=LINES, challenge=""):
    folder.mkdir(exist_ok=True)
    parts = tuple(np.random.default_rng(0).permutation(errors_of(method, line)) for line in lines)
    path = folder / legacy_name(method, challenge)
    write_legacy(path, LegacyResult(parts, len(LINES) - len(lines), tuple(lines)))
    return path


def old_result(folder, method, lines=LINES):
    path = folder / legacy_name(method)
    np.save(path, {"computed_distances": [errors_of(method, line) for line in lines]})
    return path


def pooled(method, lines):
    return distance_statistics([errors_of(method, line) for line in lines])


def close(found, wanted):
    return (found.n, found.median) == (wanted.n, wanted.median) and np.allclose(
        [found.mean, found.std], [wanted.mean, wanted.std], rtol=1e-12
    )


def test_the_official_file_of_a_result_has_its_numbers(tmp_path):
    paths = [new_result(tmp_path / "new", "ours"), official_result(tmp_path, "ours")]
    first, second = compare(read_contenders(paths, [])).rows
    assert [row.contender.label for row in (first, second)] == ["ours", "ours (2)"]
    assert close(first.whole.pooled, second.whole.pooled)
    assert close(first.whole.pooled, pooled("ours", LINES))
    np.testing.assert_array_equal(first.whole.curve.share, second.whole.curve.share)
    medians = [np.median(errors_of("ours", line)) for line in LINES]
    assert first.whole.means.median == pytest.approx(np.mean(medians))
    assert first.paired is None  # the same images: a pair of pools would say nothing new


def test_pairs_are_the_images_that_all_have(tmp_path):
    paths = [
        new_result(tmp_path / "a", "a", LINES[:4]),
        official_result(tmp_path, "bcd", LINES[1:]),
        new_result(tmp_path / "c", "long name"),
    ]
    comparison = compare(read_contenders(paths, []))
    assert comparison.paired == LINES[1:4]
    for row, method in zip(comparison.rows, ("a", "bcd", "long name"), strict=True):
        assert close(row.paired.pooled, pooled(method, LINES[1:4]))
        share = np.mean(np.hstack([errors_of(method, line) for line in LINES[1:4]]) <= 1.0)
        at = curve_grid().searchsorted(1.0)
        assert row.paired.curve.share[at] == pytest.approx(share, abs=0.01)
    assert [row.contender.listed for row in comparison.rows] == [5, 5, 5]
    assert [row.contender.done for row in comparison.rows] == [4, 4, 5]


def test_older_files_need_the_list_and_have_to_fit_it(tmp_path):
    new, old = new_result(tmp_path / "new", "new", LINES[:3]), old_result(tmp_path, "old")
    alone = compare(read_contenders([new, old], []))
    assert alone.paired is None
    assert alone.rows[1].contender.listed is None
    assert any("old: the file does not name its images" in note for note in alone.notes)
    comparison = compare(read_contenders([new, old], ITEMS))
    assert comparison.paired == LINES[:3]
    assert close(comparison.rows[1].paired.pooled, pooled("old", LINES[:3]))
    assert comparison.rows[1].contender.listed == 5
    # Written in the order in which the images were done: the lengths give it away.
    shuffled = old_result(tmp_path, "mixed", LINES[1:] + LINES[:1])
    assert compare(read_contenders([new, shuffled], ITEMS)).paired is None
    assert (
        compare(read_contenders([new, old_result(tmp_path, "x", LINES[1:])], ITEMS)).paired is None
    )


def test_official_files_of_one_challenge(tmp_path):
    selfies = [line for line in LINES if "selfie" in line]
    path = official_result(tmp_path, "ours", selfies, "selfie")
    (contender,) = read_contenders([path], [])
    assert (contender.done, contender.listed) == (2, None)  # others count as missing there
    (contender,) = read_contenders([path], ITEMS)
    assert (contender.done, contender.listed) == (2, 2)


def test_numbers_alone_are_shown_but_not_paired(tmp_path):
    only = tmp_path / "elsewhere.json"
    only.write_bytes((new_result(tmp_path / "a", "a") / RESULT).read_bytes())
    paths = [only, new_result(tmp_path / "b", "bcd", LINES[:3]), old_result(tmp_path, "old")]
    comparison = compare(read_contenders(paths, ITEMS))
    assert comparison.paired == LINES[:3]
    row = comparison.rows[0]
    assert (row.paired, row.whole.curve) == (None, None)
    assert close(row.whole.pooled, pooled("a", LINES))
    lines = [line for line in comparison_markdown(comparison).splitlines() if "| a " in line]
    assert lines[0].count("—") == 3


def test_what_does_not_compare_is_said(tmp_path):
    metrical = {"metrical_unit": "m", "protocol": {"name": "now_metrical", "version": 2}}
    paths = [
        new_result(tmp_path / "a", "a"),
        new_result(tmp_path / "b", "bcd", **metrical),
        official_result(tmp_path, "official"),
    ]
    np.save(tmp_path / "x_computed_distances.npy", {
        "computed_distances": [np.ones(3)], "num_missing_files": 4, "input_files": [LINES[0]],
    })  # fmt: skip
    paths.append(tmp_path / "x_computed_distances.npy")
    notes = compare(read_contenders(paths, [])).notes
    assert any(
        "different rules (now version 2: a; now_metrical version 2: bcd)" in x for x in notes
    )
    assert any("bcd: metrical; official files do not say" in note for note in notes)
    assert any("x: 1 images have another number of scan points" in note for note in notes)
    apart = [new_result(tmp_path / "c", "c", LINES[:1]), new_result(tmp_path / "d", "d", LINES[1:])]
    comparison = compare(read_contenders(apart, []))
    assert comparison.paired is None
    assert "no image is common" in comparison.notes[0]


def bold(comparison):
    """Headings of the columns of which a number is printed in bold."""
    head, _, *rows = [
        [cell.strip() for cell in line.split("|")]
        for line in comparison_markdown(comparison).splitlines()
        if line.startswith("|")
    ]
    return {
        name for row in rows for name, text in zip(head, row, strict=True) if text.startswith("**")
    }


def test_the_best_is_marked_among_the_same_images_only(tmp_path):
    new = [new_result(tmp_path / name, name) for name in ("a", "bcd")]
    whole = {"pooled median", "pooled mean", "images' median", "images' mean"}  # no spread is won
    assert bold(compare(read_contenders(new, []))) == whole
    numbers = []
    for folder in new:
        numbers.append(tmp_path / f"{folder.name}.json")
        numbers[-1].write_bytes((folder / RESULT).read_bytes())
    assert bold(compare(read_contenders(numbers, []))) == whole
    part = new_result(tmp_path / "part", "part", LINES[:3])
    common = {"3 common median", "3 common mean"}
    assert bold(compare(read_contenders([new[0], part], []))) == common
    rest = new_result(tmp_path / "rest", "rest", LINES[3:])
    old = old_result(tmp_path, "old")
    for others in ([rest, part], [old, part], [old, new[0]], [numbers[0], part]):
        comparison = compare(read_contenders(others, []))
        assert (comparison.paired, bold(comparison)) == (None, set()), others


def test_files_are_reproducible_and_hold_the_numbers(tmp_path):
    paths = [new_result(tmp_path / "a", "a_$1$", LINES[:4]), official_result(tmp_path, "_b", LINES)]
    contents = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        files = write_comparison(compare(read_contenders(paths, [])), tmp_path / name)
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]
    names = [
        "comparison.md",
        "comparison.tex",
        *(f"cumulative_error.{x}" for x in ("csv", "png", "pdf")),
    ]
    assert [file.name for file in files] == names
    best = f"**{pooled('_b', LINES[:4]).median:.3f}**"
    assert best in files[0].read_text()
    assert r"a\_\$1\$" in files[1].read_text()
    table = pd.read_csv(files[2])
    assert list(table) == ["images", "error_mm", "a_$1$", "_b"]
    paired = table[table["images"] == "The 4 images that all have"]
    share = np.mean(np.hstack([errors_of("_b", line) for line in LINES[:4]]) <= 1.0)
    assert paired.loc[np.isclose(paired["error_mm"], 1.0), "_b"].item() == pytest.approx(share)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.json", None, "the result is missing"),
        ("text.txt", "x", "not a result"),
        ("bad.json", "[]", "not a result of `focsbench now score`"),
        ("bad.npy", "x", "not readable as pickled arrays"),
    ],
)
def test_other_files_are_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_contenders([tmp_path / name], [])


def test_a_result_without_images_is_refused(tmp_path):
    with pytest.raises(InputError, match="no image has a result"):
        read_contenders([new_result(tmp_path / "a", "a", ())], [])


def test_command(focsbench, tmp_path):
    new = new_result(tmp_path / "new", "ours", LINES[:4])
    old = old_result(tmp_path, "old")
    image_list = tmp_path / "list.txt"
    image_list.write_text("\n".join(LINES))
    folder = tmp_path / "out"
    code, output, errors = focsbench(
        "now", "compare", new, old, "--image-list", image_list, "--output", folder
    )
    assert (code, errors) == (0, "")
    assert "| ours" in output
    assert "4/5" in output
    assert f"  {folder / 'cumulative_error.png'}\n" in output
    code, output, errors = focsbench("now", "compare", tmp_path / "nothing.npy")
    assert (code, output) == (1, "")
    assert errors.count("\n") == 1


def test_damaged_results_are_named(focsbench, tmp_path):
    short, official = new_result(tmp_path / "short", "short"), tmp_path / "x.npy"
    path = distance_file(short, LINES[2][:-4])
    np.save(path, np.ones(3))
    np.save(official, {"computed_distances": [np.ones(3)], "input_files": [""]})
    whole = new_result(tmp_path / "whole", "whole")
    names = new_result(tmp_path / "names", "names")
    text = (names / RESULT).read_text()
    (names / RESULT).write_text(text.replace(LINES[0], LINES[0].rpartition("/")[2]))
    for command, damaged, file in (
        (["now", "compare"], short, path),
        (["now", "compare"], official, official),
        (["now", "compare"], names, names / RESULT),
        (["compare"], names, names / RESULT),
    ):
        code, output, errors = focsbench(*command, whole, damaged)
        assert (code, output) == (1, "")
        assert errors.startswith(f"focsbench: {file}: ")
        assert errors.count("\n") == 1


def test_results_are_compared_by_subject_too(focsbench, tmp_path):
    """``focsbench compare`` takes the same result folders."""
    paths = [new_result(tmp_path / name, method) for name, method in (("a", "a"), ("b", "bcd"))]
    code, output, errors = focsbench("compare", *paths, "--subset", "all", "--metric", "all")
    assert (code, errors) == (0, "")
    (line,) = [line for line in output.splitlines() if "| median" in line]
    for method in ("a", "bcd"):
        assert f"{pooled(method, LINES).median:.3f}" in line
    subjects = {line.split("/")[0] for line in LINES}
    assert f"no test: {len(subjects)} subject" in line
