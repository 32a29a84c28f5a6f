"""What a pickle says, without doing it.

A pickle is a program for a small stack machine that may import and call anything. This machine
knows only the opcodes that plain data, numpy arrays and objects of plain data consist of. It
imports and calls nothing: a name stays a name, a call stays a note of its arguments, so there is
nothing that a hostile file could start. What such a file can do is refer to the same data again and
again; who reads the result has to count (see :mod:`focsbench.data.restricted_pickle` and
:mod:`focsbench.data.torch_file`).

Source of the opcodes: Python's documentation of ``pickletools``.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable, Iterable
from typing import IO, Any

MAX_OPCODES = 200_000  # an array takes about 15
_PUSHED = frozenset(
    (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    )
)
_MADE: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


class Name:
    """An import that was asked for."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __str__(self) -> str:
        return ascii(f"{self.module}.{self.name}"[:80])


class Call:
    """A call or a new object that was asked for: what of, and with which arguments.

    state: what would be set afterwards; items: what would be put into it as into a dictionary.
    """

    __slots__ = ("arguments", "function", "items", "state")

    def __init__(self, function: Name, arguments: tuple[Any, ...]) -> None:
        self.function = function
        self.arguments = arguments
        self.items: dict[str | int, Any] = {}
        self.state: Any = None


class Outside:
    """Something that the pickle does not hold: what it says about where to find it."""

    __slots__ = ("identifier",)

    def __init__(self, identifier: Any) -> None:
        self.identifier = identifier

    def class_name(self) -> Any:
        """Return the name in ("module", name, ...), as torch before 1.6 wrote classes."""
        tagged = isinstance(self.identifier, tuple) and self.identifier[:1] == ("module",)
        return self.identifier[1] if tagged and len(self.identifier) > 1 else None


def parse_pickle(stream: IO[bytes], allowed: Callable[[Name], bool] | None = None) -> Any:
    """Return what a pickle consists of; strings of Python 2 are taken for Latin-1.

    The stream is left behind the end of the pickle.

    Args:
        stream: one that does not take memory for bytes that it does not have.
        allowed: says of every name in the pickle whether it may be there at all.

    Returns:
        dict (keys str or int), list, tuple, str, bytes, bytearray, int, float, bool, None,
        :class:`Name`, :class:`Call` and :class:`Outside`, in any combination, also one that
        contains itself.

    Raises:
        ValueError: if the pickle is damaged, too long, or has an opcode or a name that is not
            allowed.
        IndexError, KeyError, UnicodeError: if it is damaged.
    """
    machine = _Machine(allowed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # texts with escapes that are none
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count >= MAX_OPCODES:
                raise ValueError("it has too many opcodes")
            machine.obey(opcode.name, argument)
    (result,) = machine.stack
    return result


class _Machine:
    def __init__(self, allowed: Callable[[Name], bool] | None) -> None:
        self.stack: list[Any] = []
        self._allowed = allowed
        self._memo: dict[int, Any] = {}

    def obey(self, opcode: str, argument: Any) -> None:
        if opcode in _PUSHED:
            self.stack.append(argument)
        elif opcode in _MADE:
            self.stack.append(_MADE[opcode]())
        elif opcode in _TUPLES:
            self.stack.append(tuple(self._popped(_TUPLES[opcode])))
        elif opcode in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            place = len(self._memo) if argument is None else argument
            self._memo[place] = self.stack[-1]
        elif opcode in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self._memo[argument])
        elif opcode == "MARK":
            self.stack.append(_MARK)
        elif opcode in ("LIST", "TUPLE"):
            items = self._since_mark()
            self.stack.append(items if opcode == "LIST" else tuple(items))
        elif opcode in ("APPEND", "APPENDS"):
            items = self._popped(1) if opcode == "APPEND" else self._since_mark()
            _checked(self.stack[-1], list, "something is added to what is no list").extend(items)
        elif opcode in ("DICT", "SETITEM", "SETITEMS"):
            items = self._popped(2) if opcode == "SETITEM" else self._since_mark()
            if opcode == "DICT":
                self.stack.append({})
            _set_items(self.stack[-1], items)
        elif opcode in ("GLOBAL", "STACK_GLOBAL"):
            words = argument.split(" ") if opcode == "GLOBAL" else self._popped(2)
            self.stack.append(self._named(*words))
        elif opcode == "BINPERSID":
            self.stack.append(Outside(*self._popped(1)))
        elif opcode in ("REDUCE", "NEWOBJ"):
            function, arguments = self._popped(2)
            if isinstance(function, Outside):
                function = function.class_name()
            _checked(function, Name, "it calls what is no name")
            self.stack.append(Call(function, _checked(arguments, tuple, "it calls with no tuple")))
        elif opcode == "BUILD":
            (state,) = self._popped(1)
            _checked(self.stack[-1], Call, "it changes what is no new object").state = state
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"the opcode {opcode} is not allowed")

    def _named(self, module: Any, name: Any) -> Name:
        words = (_checked(word, str, "a name is no word") for word in (module, name))
        found = Name(*words)
        if self._allowed is not None and not self._allowed(found):
            raise ValueError(f"it asks for {found}")
        return found

    def _popped(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise ValueError("its stack is empty")
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def _since_mark(self) -> list[Any]:
        items: list[Any] = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]


def _checked(value: Any, kind: type | tuple[type, ...], complaint: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(complaint)
    return value


def _set_items(target: Any, items: Iterable[Any]) -> None:
    """Fill a dictionary, or an object that would become one.

    Words and numbers are keys, since a nested tuple could exhaust the stack.
    """
    pairs = iter(items)
    filled = target.items if isinstance(target, Call) else target
    _checked(filled, dict, "it sets an item of what is no dictionary").update(
        (_checked(key, (str, int), "a key is no word"), value)
        for key, value in zip(pairs, pairs, strict=True)
    )
