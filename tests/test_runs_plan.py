"""The plan: order, keys, and what makes a key change."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focsbench.runs.plan import Plan, Step, content_key

A = Step("a", "m:f", "code", (), {"x": 1})
B = Step("b", "m:f", "code", ("a",), {"y": [1, 2]})
C = Step("c", "m:g", "code", (), {})


def test_steps_come_after_their_inputs_and_otherwise_in_order():
    late = Step("first", "m:f", "code", ("b",))
    assert [step.name for step in Plan([late, C, B, A]).steps] == ["a", "b", "first", "c"]
    assert [step.name for step in Plan([C, A, B]).steps] == ["c", "a", "b"]


def test_height_counts_the_longest_chain_that_waits():
    steps = [A, B, C, Step("d", "m:f", "", ("b", "c")), Step("e", "m:f", "", ("d",))]
    assert Plan(steps).height == {"a": 3, "b": 2, "c": 2, "d": 1, "e": 0}


@pytest.mark.parametrize(
    ("field", "value"),
    [("function", "m:other"), ("code_version", "new"), ("config", {"x": 2}), ("config", {"z": 1})],
)
def test_a_changed_field_changes_the_keys_of_the_step_and_its_dependents_only(field, value):
    before = Plan([A, B, C]).keys
    after = Plan([dataclasses.replace(A, **{field: value}), B, C]).keys
    assert {name for name in before if before[name] != after[name]} == {"a", "b"}


def test_parallel_and_name_of_others_do_not_change_a_key():
    assert Plan([dataclasses.replace(A, parallel=True)]).keys == Plan([A]).keys
    assert Plan([A, B]).keys["b"] == Plan([C, A, B]).keys["b"]


def test_key_is_stable_over_releases():
    # A change of this number throws away everybody's finished runs.
    assert Plan([A, B]).keys["b"][:12] == "04df0a6ee164"


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans())))
def test_content_key_ignores_the_order_of_mappings(values):
    assert content_key(values) == content_key(dict(reversed(list(values.items()))))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([A, A], "same name"),
        ([B], "reads 'a', which is no step"),
        ([Step("a", "m:f", "", ("b",)), B], "wait for each other"),
        ([Step("A b", "m:f", "")], "characters other than"),
        ([Step("a", "m.f", "")], "not package.module:function"),
        ([Step("a", "m:f", "", (), {"x": object()})], "not JSON"),
        ([Step("a", "m:f", "", (), {"x": float("nan")})], "not JSON"),
    ],
)
def test_bad_plans_are_refused(steps, message):
    with pytest.raises(ValueError, match=message):
        Plan(steps)
