"""Tests of :mod:`txphoenix.protocol.long_strings`."""

from __future__ import annotations

import json
from typing import Any

import orjson
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.protocol.json_codecs import Orjson
from txphoenix.protocol.long_strings import long_strings

from .properties import HealthCheck, checked, given, settings, st
from .test_fragments import peak_of

KB = 1024
LONG = "grüße €" * 10 * KB


def text_of(value: Any) -> bytes:
    """JSON as servers write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def loaded(data: bytes) -> Any:
    """What is made of a text; None if it is the codec's."""
    found = long_strings(data)
    return None if found is None else found.load(orjson.loads)


class LongStringsTests(SynchronousTestCase):
    """:func:`txphoenix.protocol.long_strings.long_strings`."""

    def test_values(self) -> None:
        """Long strings are values of objects and of arrays, at any depth, in order."""
        for value in (
            ["1", None, "rooms:lobby", "msg", {"n": 1, "body": LONG}],
            {"a": LONG, "b": ["short", LONG + "2", [LONG + "3"]], "c": {"d": -1.5}},
            [LONG, LONG + "2", {}, [], "", True, "é"],
        ):
            self.assertEqual(loaded(text_of(value)), value)
            spaced = json.dumps(value, ensure_ascii=False, indent=1).encode()
            self.assertEqual(loaded(spaced), value)

    def test_codec(self) -> None:
        """The codec that is the default reads them so, long integers included."""
        codec = Orjson(orjson)
        asked: list[int] = []

        def loads(data: bytes) -> Any:
            asked.append(len(data))
            return orjson.loads(data)

        self.patch(codec, "loads", codec._exact_loads(loads))
        for long in (LONG, LONG * 30):
            for number in (30, 10**30):
                value = ["1", None, "t", "e", {"body": long, "n": number}]
                self.assertEqual(codec.loads(text_of(value)), value)
        # Only the last ones are long enough to be read apart.
        asked.clear()
        codec.loads(text_of([LONG]))
        self.assertEqual(asked, [len(text_of([LONG]))])
        asked.clear()
        codec.loads(text_of([LONG * 30]))
        self.assertLess(max(asked), 64 * KB + 9)

    def test_thresholds(self) -> None:
        """From 8 KiB on strings are not searched, from 512 KiB on read in pieces."""
        codec = Orjson(orjson)
        asked: list[bytes] = []

        def loads(data: bytes) -> Any:
            asked.append(data)
            return orjson.loads(data)

        exact = codec._exact_loads(loads)

        def asked_for(text: bytes) -> list[bytes]:
            asked.clear()
            self.assertEqual(exact(text), orjson.loads(text))
            return asked

        def text_of_size(size: int) -> bytes:
            return b'["%b"]' % (b"1" * (size - 4))

        # It may have a long number, so that the codec's own function is not asked.
        self.assertEqual(asked_for(text_of_size(8 * KB - 1)), [])
        for size in (8 * KB, 512 * KB - 1):
            self.assertTrue(asked_for(text_of_size(size)) == [text_of_size(size)])
        rest, *pieces = asked_for(text_of_size(512 * KB))
        self.assertEqual(rest, b'["\\u0000txphoenix:0"]')
        whole = b'"%b"' % (b"1" * 64 * KB)
        self.assertTrue(pieces == [whole] * 7 + [b'"%b"' % (b"1" * (64 * KB - 4))])

    def test_not_such(self) -> None:
        """All other texts are the codec's."""
        for value in (
            ["short"] * 20 * KB,
            [LONG + '"quoted"'],
            [LONG + "\n"],
            ["\\", LONG],
            {LONG: 1},
            LONG,
            [0] * 40 * KB,
            ["x", *[1] * 40 * KB, "y"],
            [LONG, *[1] * 40 * KB],
        ):
            self.assertIsNone(loaded(text_of(value)))
            self.assertEqual(Orjson(orjson).loads(text_of(value)), value)

    def test_twice_the_same_key(self) -> None:
        """Of two values of a key the last one counts."""
        long = text_of(LONG)
        text = b'{"a":%b,"a":1}' % long
        self.assertIsNone(loaded(text))
        self.assertEqual(Orjson(orjson).loads(text), {"a": 1})
        self.assertEqual(loaded(b'{"a":1,"a":%b}' % long), {"a": LONG})

    def test_marks_of_others(self) -> None:
        """A text that has the mark itself is read as it stands."""
        value = [LONG, "\0txphoenix:0", "txphoenix:0"]
        self.assertIsNone(loaded(text_of(value)))
        self.assertEqual(Orjson(orjson).loads(text_of(value)), value)

    def test_not_json(self) -> None:
        """What the codec refuses is refused: it is asked about the whole text."""
        long = text_of(LONG)
        for text in (
            b"[%b" % long,
            b"[%b]]" % long,
            b"[%b %b]" % (long, long),
            b"[%b" % long[:-1],
            b'[%b"]' % long,
            b"[" + long.replace(b"g", b"\n", 1) + b"]",
            b"[" + long.replace(b"g", b"\x1f", 1) + b"]",
            b"[" + long.replace(b"g", b"\xff", 1) + b"]",
            b"[" + long.replace("ü".encode(), b"\xed\xa0\x80", 1) + b"]",
            b"[nul," + long + b"]",
        ):
            self.assertIsNone(loaded(text), text[:20])
            self.assertRaises(ValueError, Orjson(orjson).loads, text)

    def test_memory(self) -> None:
        """Besides the text there are the strings, and little else."""
        data = b'["1",null,"t","e",{"body":"%b"}]' % (b"x" * 3 * 1024 * KB)
        self.assertLess(peak_of(lambda: Orjson(orjson).loads(data)), 1.2 * len(data))

    @settings(checked, max_examples=60, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.one_of(
                st.just(LONG),
                st.binary(max_size=6),
                st.sampled_from(
                    [b'"', b"\\", b",", b"[", b"]", b":", b"{", b"}", text_of(LONG)]
                ),
                st.sampled_from([b"1", b"null", b'"a"', b'"a":', b" "]),
            ),
            max_size=8,
        )
    )
    def test_any_bytes(self, parts: list[Any]) -> None:
        """Whatever the bytes are, the codec's answer is the answer."""
        data = b"".join(text_of(it) if isinstance(it, str) else it for it in parts)
        for text in (data, b"[" + data + b"]"):
            made = loaded(text)
            if made is not None:
                self.assertEqual(made, orjson.loads(text))
