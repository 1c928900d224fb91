"""Tests of ``legible.py``: what others say, in a line."""

from __future__ import annotations

import doctest
import tracemalloc
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import legible as module
from txphoenix.legible import cut, error_text, escaped, legible
from txphoenix.protocol.message import Message

from .properties import checked, given, st

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inside: (
        st.lists(inside)
        | st.dictionaries(st.text() | st.integers(), inside)
        | st.tuples(inside)
        | st.tuples(inside, inside)
    ),
    max_leaves=30,
)


class TextTests(SynchronousTestCase):
    """Text, and the text of errors."""

    @checked
    @given(st.text())
    def test_escaped(self, text: str) -> None:
        """What can be seen stays, and the rest is as Python writes it."""
        self.assertTrue(escaped(text).isprintable())
        if text.isprintable():
            self.assertEqual(escaped(text), text)

    def test_controls(self) -> None:
        """C0, C1, DEL, changes of direction, line ends and surrogates are escaped."""
        self.assertEqual(
            escaped("a\x00\x1b\x7f\x9b\r\n\u2028\u202e\u2066\ud800é"),
            "a\\x00\\x1b\\x7f\\x9b\\r\\n\\u2028\\u202e\\u2066\\ud800é",
        )

    @checked
    @given(st.text(), st.integers(0, 50))
    def test_cut(self, text: str, limit: int) -> None:
        """It has at most as many characters, and then says how many there were."""
        expected = escaped(text)
        if len(expected) > limit:
            expected = f"{expected[:limit]}... ({len(text)} characters)"
        self.assertEqual(cut(text, limit), expected)

    def test_cut_escapes(self) -> None:
        """What is counted is what is shown, and of an escape there may be a part."""
        self.assertEqual(cut("\x1b" * 9, 10), "\\x1b\\x1b\\x... (9 characters)")
        self.assertEqual(cut("\x1b" * 2, 8), "\\x1b\\x1b")

    def test_error_text(self) -> None:
        """An error without words is told by its class, and one that raises as well."""
        self.assertEqual(error_text(ValueError("a\nb")), "a\\nb")
        self.assertEqual(error_text(ValueError()), "ValueError")
        self.assertEqual(error_text(Mute()), "Mute")
        self.assertEqual(error_text(Leaving()), "Leaving")

    def test_examples(self) -> None:
        """The examples in the docstrings are right."""
        self.assertEqual(doctest.testmod(module).failed, 0)


class Mute(Exception):
    """What can be shown in no way."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Wild:
    """What is shown by what a terminal obeys."""

    def __repr__(self) -> str:
        return "\x1b[2J"


class Leaving(Mute):
    """What can be shown in no way, and raises what is no Exception."""

    def __str__(self) -> str:
        raise SystemExit("no")

    __repr__ = __str__


class Counted(str):
    """A string that counts how often all of it is looked at."""

    looks = 0

    def __repr__(self) -> str:
        type(self).looks += 1
        return super().__repr__()


class ValueTests(SynchronousTestCase):
    """Any value."""

    @checked
    @given(values)
    def test_short_values(self, value: Any) -> None:
        """What is short and shallow is shown as its repr."""
        self.assertEqual(legible(value, 10**6), repr(value))

    @checked
    @given(values, st.integers(0, 60))
    def test_bounded(self, value: Any, limit: int) -> None:
        """Whatever it is, it is no longer than the limit, but for its size."""
        shown = legible(value, limit)
        self.assertLess(len(shown), limit + 30)
        self.assertTrue(shown.isprintable())

    def test_depth(self) -> None:
        """Depth does not matter, nor does a value that holds itself."""
        deep: Any = 1
        for _ in range(100_000):
            deep = {"a": [deep]}
        self.assertIn("...", legible(deep))
        endless: list[Any] = [1]
        endless.append(endless)
        self.assertIn("[1, [1, [1", legible(endless))
        # So far it is shown, and no further, however much room there is.
        shown = legible(deep, 10**6)
        self.assertEqual(shown, "{'a': [" * 10 + "{...}" + "]}" * 10)

    def test_sizes(self) -> None:
        """It says how much there was."""
        self.assertEqual(legible("x" * 9, 3), "'xx... (9 characters)")
        self.assertEqual(legible(b"x" * 9, 3), "b'x... (9 bytes)")
        self.assertEqual(legible([1] * 9, 5), "[1, 1... (9 items)")
        self.assertEqual(legible({"a": "x" * 9}, 8), "{'a': 'x... (9 characters)")
        self.assertEqual(legible(2**300, 3), "<an... (301 bits)")
        self.assertEqual(legible([2**300], 3), "[<a... (301 bits)")

    def test_work(self) -> None:
        """No more is made than is shown."""
        Counted.looks = 0
        legible([Counted("x")] * 100_000)
        self.assertLess(Counted.looks, 100)
        for long in ("x" * 10**7, b"x" * 10**7, ["x" * 10**7]):
            tracemalloc.start()
            legible(long)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            self.assertLess(peak, 10**6)

    def test_values_that_raise(self) -> None:
        """A value without a repr is named by its class."""
        self.assertEqual(legible([Mute(), 1]), "[<Mute object>, 1]")
        self.assertEqual(legible([Leaving(), 1]), "[<Leaving object>, 1]")

    def test_own_reprs(self) -> None:
        """What a class of somebody's shows of itself is escaped and cut."""
        self.assertEqual(legible([Wild()]), "[\\x1b[2J]")
        self.assertEqual(legible(Counted("x" * 9), 3), "'xx... (11 characters)")

    def test_long_integers(self) -> None:
        """An integer that Python does not write is told by its size."""
        self.assertEqual(legible(-(10**5000)), "<an integer of 16610 bits>")

    def test_little_stack(self) -> None:
        """Where no stack is left for a look into it, it is named by its class."""

        def dive() -> str:
            try:
                return dive()
            except RecursionError:
                return legible([[[[[[[[[[[[[[[1]]]]]]]]]]]]]]])

        self.assertEqual(dive(), "<list object>")


class MessageTests(SynchronousTestCase):
    """A message in a line."""

    def test_repr(self) -> None:
        """A common message is shown whole, as every NamedTuple is."""
        self.assertEqual(
            repr(Message("1", None, "rooms:a", "news", {"a": [1, b"x"]})),
            "Message(join_ref='1', ref=None, topic='rooms:a', event='news', "
            "payload={'a': [1, b'x']})",
        )

    def test_hostile_repr(self) -> None:
        """One that is long or deep is cut."""
        deep: Any = 1
        for _ in range(100_000):
            deep = [deep]
        for payload in (deep, "x" * 10**6, Mute()):
            shown = repr(Message(None, None, "t" * 10**6, "e" * 10**6, payload))
            self.assertLess(len(shown), 3500)
