"""The overview of licences."""

from focsbench.licences import dependency_licences, stated_licence


def test_the_most_precise_field_wins():
    classifiers = ["Programming Language :: Python", "License :: OSI Approved :: MIT License"]
    assert stated_licence({"Classifier": classifiers}) == "MIT License"
    assert stated_licence({"License": ["UNKNOWN"], "Classifier": classifiers}) == "MIT License"
    assert stated_licence({"License": ["BSD\nRedistribution and use"]}) == "BSD"
    assert (
        stated_licence({"License-Expression": ["Apache-2.0"], "License": ["BSD"]}) == "Apache-2.0"
    )
    assert stated_licence({"License": ["x" * 500]}).endswith("…")
    assert stated_licence({}) == "not stated"


def test_every_dependency_is_listed_once(focsbench):
    names = [one.name for one in dependency_licences()]
    assert {"torch", "numpy", "anny", "safetensors"} <= set(names)
    assert len(names) == len(set(names))
    code, out, _ = focsbench("licences")
    assert code == 0
    assert "| numpy |" in out
    assert "MakeHuman" in out
