"""Hostile manifests, lists, profiles and picked points."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from attacks.case import Case, content, sparse
from attacks.harmless import now_result

ENTITIES = "".join(f'<!ENTITY b{i} "{f"&b{i - 1};" * 10}">' for i in range(1, 12))


def manifest(name: str, data: bytes | str) -> Case:
    return content(name, "manifest.json", "manifest", data)


def profile(name: str, data: bytes | str) -> Case:
    return content(name, "mine.toml", "profile", data)


def csv(name: str, data: bytes | str) -> Case:
    return content(name, "landmarks.csv", "landmark_list", data)


def points(name: str, data: bytes | str) -> Case:
    return content(name, "head.pp", "landmarks", data)


def image_list(name: str, data: bytes | str) -> Case:
    return content(name, "imagepathsvalidation.txt", "image_list", data)


def nameless(path: Path) -> None:
    """A result as it is written, but for the name of its image."""
    now_result(path)
    path.write_text(path.read_text().replace("a/b/c.jpg", ""))


ATTACKS = (
    manifest("json_nested", "[" * 200_000),
    manifest("json_number_of_a_million_digits", '{"image_size": ' + "9" * 1_000_000 + "}"),
    manifest("json_is_a_list", "[1, 2]"),
    manifest("json_failures_is_a_list", '{"failures": ["a"]}'),
    manifest("json_unit_is_a_list", '{"unit": ["mm"]}'),
    manifest("json_unit_is_unknown", '{"unit": "parsec"}'),
    manifest("json_in_latin1", '{"label": "é"}'.encode("latin-1")),
    manifest("json_truncated", '{"unit": "m'),
    Case("json_of_gigabytes", "manifest.json", "manifest", partial(sparse, size=1 << 33)),
    Case("json_is_a_pipe", "manifest.json", "manifest", os.mkfifo),
    profile("toml_nested", "a = " + "[" * 100_000),
    profile("toml_nested_tables", "a = " + "{b = " * 5000 + "1" + "}" * 5000),
    profile("toml_long_dotted_key", ".".join("a" * 5000) + " = 1\n"),
    profile("toml_number_of_a_million_digits", "seed = " + "9" * 1_000_000),
    profile("toml_date_for_a_number", "seed = 1979-05-27\n"),
    profile("toml_infinite_seed", "seed = inf\n"),
    profile("toml_duplicate_keys", "seed = 1\nseed = 2\n"),
    profile("toml_list_for_a_table", "data = [1, 2]\nmethods = ['focs']\nprotocols = ['now']\n"),
    profile("toml_in_latin1", 'name = "é"\n'.encode("latin-1")),
    profile("toml_nul", b"name = 'a\0b'\n"),
    Case("toml_of_gigabytes", "mine.toml", "profile", partial(sparse, size=1 << 33)),
    Case("toml_is_a_pipe", "mine.toml", "profile", os.mkfifo),
    csv("csv_of_a_million_columns", "a.jpg," + "1," * 400_000 + "1\n"),
    csv("csv_endless_field", 'a.jpg,"' + "1" * 300_000 + "\n"),
    csv("csv_endless_line", b"1" * (3 << 20)),
    csv("csv_nul_bytes", b"\0" * 4096),
    csv("csv_in_utf16", "a.jpg,1\n".encode("utf-16")),
    csv("csv_not_a_number", "a.jpg" + ",nan" * 136 + "\n"),
    csv("csv_words", "a.jpg" + ",one" * 136 + "\n"),
    Case("csv_of_terabytes", "landmarks.csv", "landmark_list", partial(sparse, size=1 << 40)),
    Case("csv_is_a_pipe", "landmarks.csv", "landmark_list", os.mkfifo),
    image_list("list_leaves_the_folder", "../../etc/passwd.jpg\n"),
    image_list("list_with_absolute_path", "/etc/passwd\n"),
    image_list("list_with_nul", b"a/b/c\0d.jpg\n"),
    image_list("list_with_backslashes", "a\\..\\..\\b/c/d.jpg\n"),
    image_list("list_twice_the_same", "a/b/c.jpg\na/b/c.jpg\n"),
    image_list("list_in_utf16", "a/b/c.jpg\n".encode("utf-16")),
    Case(
        "list_of_terabytes", "imagepathsvalidation.txt", "image_list", partial(sparse, size=1 << 40)
    ),
    points("pp_entity_bomb", f'<!DOCTYPE p [<!ENTITY b0 "x">{ENTITIES}]><p>&b11;</p>'),
    points(
        "pp_external_entity", '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>&x;</p>'
    ),
    points("pp_nested", "<a>" * 100_000),
    points("pp_unknown_encoding", '<?xml version="1.0" encoding="utf-7"?><p/>'),
    points("pp_points_of_words", "<p>" + '<point x="a" y="1" z="2"/>' * 7 + "</p>"),
    points("pp_no_points", "<PickedPoints></PickedPoints>"),
    content("result_json_nested", "result.json", "now_result", "[" * 200_000),
    content(
        "result_json_of_other_types", "result.json", "now_result", '{"method": 1, "images": 3}'
    ),
    Case("result_json_of_a_nameless_image", "result.json", "now_result", nameless),
)
