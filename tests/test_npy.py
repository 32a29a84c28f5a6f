"""Bytes of .npy files: what numpy saved comes back, everything else is a ValueError."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from focsbench.npy import array_of_bytes

NUMBERS = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5).flatmap(
    lambda shape: st.one_of(
        arrays.boolean_dtypes(),
        arrays.integer_dtypes(endianness="?"),
        arrays.unsigned_integer_dtypes(endianness="?"),
        arrays.floating_dtypes(endianness="?"),
    ).flatmap(lambda kind: arrays.arrays(kind, shape))
)


def saved(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def with_header(text, version=b"\x01\x00", length=None):
    header = text.encode("latin-1") + b"\n"
    size = (len(header) if length is None else length).to_bytes(2 * version[0], "little")
    return b"\x93NUMPY" + version + size + header


@given(NUMBERS, st.booleans())
def test_numbers_come_back(array, transposed):
    array = array.T if transposed else array
    found = array_of_bytes(saved(array))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


@given(NUMBERS, st.integers(1, 40))
def test_a_cut_file_is_refused(array, missing):
    with pytest.raises(ValueError, match=r"\w"):
        array_of_bytes(saved(array)[:-missing])


@given(st.binary(max_size=300))
def test_nothing_but_value_errors(content):
    for start in (b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00"):
        with pytest.raises(ValueError, match=r"\w"):
            array_of_bytes(start + content)


SHAPE = "{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (saved(np.array([{}], dtype=object), allow_pickle=True), "array of object"),
        (saved(np.array(["a"])), "array of <U1"),
        (saved(np.array([1j])), "array of complex"),
        (with_header(SHAPE.format(kind="<f8", shape="(3,)")), "does not fit 0 bytes"),
        (with_header(SHAPE.format(kind="<f8", shape=f"({2**62}, 4)")), "does not fit"),
        (with_header(SHAPE.format(kind="<f8", shape="(-1,)")), "does not fit"),
        (with_header("{}", b"\x02\x00", 2**32 - 1), "expected 4294967295 bytes"),
        (with_header("(" * 5000), "damaged header"),
        (with_header("{'descr'"), "header"),
        (b"\x93NUMPY\x07\x00", "format"),
    ],
)
def test_what_is_refused_says_why(content, reason):
    with pytest.raises(ValueError, match=reason):
        array_of_bytes(content)
