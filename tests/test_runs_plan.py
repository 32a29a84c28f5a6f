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


def test_height_weighs_the_heaviest_chain_that_waits():
    steps = [A, B, C, Step("d", "m:f", "", ("b", "c")), Step("e", "m:f", "", ("d",))]
    assert Plan(steps).height == {"a": 4, "b": 3, "c": 3, "d": 2, "e": 1}
    heavy = [dataclasses.replace(C, weight=7.5), *steps[:2], *steps[3:]]
    assert Plan(heavy).height == {"a": 4, "b": 3, "c": 9.5, "d": 2, "e": 1}


@pytest.mark.parametrize(
    ("field", "value"),
    [("function", "m:other"), ("code_version", "new"), ("config", {"x": 2}), ("config", {"z": 1})],
)
def test_a_changed_field_changes_the_keys_of_the_step_and_its_dependents_only(field, value):
    before = Plan([A, B, C]).keys
    after = Plan([dataclasses.replace(A, **{field: value}), B, C]).keys
    assert {name for name in before if before[name] != after[name]} == {"a", "b"}


def test_parallel_weight_optional_and_names_of_others_do_not_change_a_key():
    for field, value in (("parallel", True), ("weight", 9.0)):
        assert Plan([dataclasses.replace(A, **{field: value})]).keys == Plan([A]).keys
    optional = dataclasses.replace(B, optional=frozenset({"a"}))
    assert Plan([A, optional]).keys == Plan([A, B]).keys
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
        ([Step("a", "m:f", "", (), optional=frozenset({"b"})), B], "none of its inputs"),
        ([Step("a", "m:f", "", (), weight=0.0)], "not above 0"),
        ([Step("a", "m:f", "", (), weight=float("nan"))], "not above 0"),
    ],
)
def test_bad_plans_are_refused(steps, message):
    with pytest.raises(ValueError, match=message):
        Plan(steps)


def test_a_restricted_plan_is_what_the_chosen_steps_need_with_the_same_keys():
    steps = [A, C, B, Step("d", "m:f", "", ("b", "c")), Step("e", "m:f", "", ("b",))]
    plan = Plan(steps)
    part = plan.restricted_to(["e", "c"])
    assert [step.name for step in part.steps] == ["a", "c", "b", "e"]
    assert part.keys == {name: plan.keys[name] for name in part.keys}
    assert plan.restricted_to(plan.keys).steps == plan.steps
    with pytest.raises(ValueError, match="'f' is no step"):
        plan.restricted_to(["f"])


@pytest.mark.parametrize(
    ("optional", "absent", "expected"),
    [
        ((), (), True),
        ((), ("a",), False),
        ((), ("z",), True),
        ("bc", (), True),
        ("bc", ("b",), True),
        ("bc", ("a",), False),
        ("bc", ("a", "b"), False),
        ("bc", ("b", "c"), False),
        ("abc", ("a", "c"), True),
        ("abc", ("a", "b", "c"), False),
    ],
)
def test_a_step_needs_all_its_inputs_but_only_one_of_the_optional(optional, absent, expected):
    step = Step("d", "m:f", "", ("a", "b", "c"), optional=frozenset(optional))
    assert step.can_do_without(absent) is expected


def test_a_step_without_an_input_is_another_step():
    step = Step("d", "m:f", "", ("a", "b", "c"), optional=frozenset("bc"))
    assert step.without(()) == step
    less = step.without(["b"])
    assert (less.inputs, less.optional) == (("a", "c"), frozenset("c"))
    keys = dict.fromkeys("abc", "key")
    assert content_key(less.parts(keys)) != content_key(step.parts(keys))
