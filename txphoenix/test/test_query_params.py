"""Tests of :mod:`txphoenix.protocol.query_params`."""

from __future__ import annotations

import enum
from typing import Any
from urllib.parse import parse_qsl

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError
from txphoenix.protocol.query_params import encode_params

from .properties import checked, given, st

SECRET = "S3CR3T"


class EncodeParamsTests(SynchronousTestCase):
    """:func:`encode_params`."""

    def test_plain_values(self) -> None:
        """Values come as Plug decodes them, in their order."""
        self.assertEqual(
            encode_params(
                {"s": "x", "i": -1, "f": 1.5, "t": True, "n": False, "none": None}
            ),
            "s=x&i=-1&f=1.5&t=true&n=false&none=",
        )

    def test_subclasses(self) -> None:
        """An enum of ints or strs comes as its value."""
        color = enum.IntEnum("color", {"RED": 1})
        shape = enum.StrEnum("shape", {"ROUND": "round"})
        self.assertEqual(
            encode_params({"color": color(1), "shape": shape("round")}),
            "color=1&shape=round",
        )

    def test_nested(self) -> None:
        """Mappings and lists nest with brackets."""
        params = {"a": {"b": {"c": 1}, "d": [1, "x"]}, "e": (1,), "f": [[2]]}
        self.assertEqual(
            parse_qsl(encode_params(params)),
            [
                ("a[b][c]", "1"),
                ("a[d][]", "1"),
                ("a[d][]", "x"),
                ("e[]", "1"),
                ("f[][]", "2"),
            ],
        )

    def test_empty(self) -> None:
        """Empty mappings and lists write nothing."""
        self.assertEqual(encode_params({}), "")
        self.assertEqual(encode_params({"a": {}, "b": [], "c": ""}), "c=")

    def test_percent_encoding(self) -> None:
        """Names and values are UTF-8, encoded as JavaScript's encodeURIComponent."""
        self.assertEqual(
            encode_params({"a&b": "ü+ /?=&#%~!*'()"}),
            "a%26b=%C3%BC%2B%20%2F%3F%3D%26%23%25~!*'()",
        )

    def test_mapping_in_a_list(self) -> None:
        """A mapping in a list has exactly one name, as Plug could not read more."""
        self.assertEqual(encode_params({"a": [{"b": 1}]}), "a%5B%5D%5Bb%5D=1")
        many: list[dict[str, int]] = [{}, {"b": 1, "c": 2}]
        for item in many:
            error = self.assertRaises(ConfigurationError, encode_params, {"a": [item]})
            self.assertIn("'a'", str(error))
            self.assertIn(f"not {len(item)}", str(error))

    def test_values_of_other_types(self) -> None:
        """Another type is refused by name and type, and its value is not told."""
        for value, kind in (
            (SECRET.encode(), "a bytes"),
            ({SECRET}, "a set"),
            (object(), "a object"),
            (float("nan"), "NaN"),
            (float("inf"), "infinite"),
            (10**5000, "an int of so many digits"),
        ):
            error = self.assertRaises(
                ConfigurationError, encode_params, {"a": {"b": value}}
            )
            self.assertIn("'a[b]'", str(error))
            self.assertIn(kind, str(error))
            self.assertNotIn(SECRET, str(error))

    def test_names(self) -> None:
        """A name is a str, is not empty, and holds no bracket where it is nested."""
        bad: list[tuple[Any, str]] = [
            ({1: "x"}, "a name must be a str, not a int"),
            ({"a": {b"b": "x"}}, "a name in 'a' must be a str, not a bytes"),
            ({"": "x"}, "a name must not be empty"),
            ({"a": {"": "x"}}, "a name in 'a' must not be empty"),
            ({"a": {"b]": "x"}}, "the name 'b]' in 'a' must not hold a bracket"),
            ({"a": {"[b": "x"}}, "the name '[b' in 'a' must not hold a bracket"),
        ]
        for params, message in bad:
            error = self.assertRaises(ConfigurationError, encode_params, params)
            self.assertEqual(str(error), f"params: {message}")

    def test_bracket_in_an_outer_name(self) -> None:
        """An outer name may spell out the nesting itself."""
        self.assertEqual(parse_qsl(encode_params({"a[b]": 1})), [("a[b]", "1")])

    def test_no_mapping(self) -> None:
        """Parameters that are no mapping are refused."""
        bad: Any = [("a", 1)]
        error = self.assertRaises(ConfigurationError, encode_params, bad)
        self.assertEqual(str(error), "params must be a mapping, not a list")

    def test_lone_surrogate(self) -> None:
        """Text that is not Unicode is refused, in a value and in a name."""
        for params in ({"a": "\ud800"}, {"\udfff": 1}):
            error = self.assertRaises(ConfigurationError, encode_params, params)
            self.assertIn("surrogate", str(error))

    @checked
    @given(
        st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text())
    )
    def test_round_trip(self, params: dict[str, str]) -> None:
        """What is encoded decodes to the same, in the same order, as ASCII."""
        params = {k: v.encode("utf-8", "ignore").decode() for k, v in params.items()}
        encoded = encode_params(params)
        self.assertTrue(encoded.isascii())
        self.assertEqual(
            parse_qsl(encoded, keep_blank_values=True), list(params.items())
        )
