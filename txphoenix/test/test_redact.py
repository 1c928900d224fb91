"""Tests of :mod:`txphoenix.protocol.redact`."""

from __future__ import annotations

import functools
import json
from time import process_time

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.protocol.redact import (
    REDACTED,
    redact_headers,
    redact_params,
    redact_url,
    redact_variable,
    redact_word,
    shown,
)

from .properties import checked, given, st

SECRET = "S3CR3T"


class RedactURLTests(SynchronousTestCase):
    """:func:`redact_url`."""

    def test_query(self) -> None:
        """The values of a query are cut out, and the names stay."""
        self.assertEqual(
            redact_url("wss://host:4000/socket?token=abc&user[id]=1&vsn=2.0.0"),
            "wss://host:4000/socket?token=[redacted]&user[id]=[redacted]"
            "&vsn=[redacted]",
        )

    def test_nothing_to_redact(self) -> None:
        """A URL without secrets stays as it is."""
        for url in (
            "ws://localhost:4000/socket/websocket",
            "http://[::1]:4000/socket",
            "ws://host",
            "ws://host/a?",
            "localhost:4000/socket",
            "//host/socket",
            "",
            "?",
        ):
            self.assertEqual(redact_url(url), url)

    def test_lone_word_in_query(self) -> None:
        """A word of a query without a value may be a token, so it is cut out."""
        self.assertEqual(redact_url("ws://host/?abc"), "ws://host/?[redacted]")

    def test_fragment(self) -> None:
        """A fragment is cut out."""
        self.assertEqual(redact_url("ws://host/#abc"), "ws://host/#[redacted]")

    def test_userinfo(self) -> None:
        """User name and password are cut out, also where the scheme is missing."""
        self.assertEqual(redact_url("ws://me:pw@host/s"), "ws://[redacted]@host/s")
        self.assertEqual(redact_url("me:pw@host/s"), "[redacted]@host/s")

    def test_password_that_is_not_escaped(self) -> None:
        """A password that holds what ends an authority is cut out all the same."""
        for character in "/?#@:[]":
            url = f"ws://me:{SECRET}{character}{SECRET}@host/socket"
            self.assertNotIn(SECRET, redact_url(url))

    def test_user_name_that_is_not_escaped(self) -> None:
        """So is one behind a user name that does: names in a query have no ``@``."""
        for url in (
            f"ws://me?:{SECRET}@host/s?a=b",
            f"ws://me?you:{SECRET}@host?a=b&c",
        ):
            self.assertNotIn(SECRET, redact_url(url))

    def test_userinfo_that_reaches_further(self) -> None:
        """Userinfo with a ``?`` or ``#`` is cut out from its beginning."""
        for userinfo in (
            "me:123?x",
            "me:123#x",
            "me:123?x=1",
            "me:12/3?x",
            "me:12/3#x",
            "me:1?2&x=3",
            "me.17&o?",
            "[::1]:123?x",
            "12345?",
        ):
            for rest in ("host", "host/s", "host/s?token=1&vsn=2", "host:80?a=b"):
                for scheme in ("ws://", "https://", "//", ""):
                    url = f"{scheme}{userinfo}@{rest}"
                    self.assertEqual(redact_url(url), REDACTED, url)

    def test_host_in_a_value(self) -> None:
        """A value that has a host with a port or a path is a part of userinfo."""
        for rest in ("host/s", "host:80", "[::1]:80/s", "host/s?a=b", "host?a=b&c=d"):
            for userinfo in ("me:1/2?x=3", f"{SECRET}/?x=", f"me/{SECRET}?x=y=1"):
                url = f"ws://{userinfo}@{rest}"
                self.assertEqual(redact_url(url), REDACTED, url)

    def test_userinfo_that_reaches_into_a_value(self) -> None:
        """So is one that ends in a value, where a colon behind the host tells of it."""
        for beginning in (
            f"ws:/me:{SECRET}",
            f"é://me:{SECRET}",
            f"ws:///:{SECRET}",
            f"ws://me/:{SECRET}",
        ):
            for query in ("?x=1", "?x=1&y", "?=", "?&x=?"):
                url = f"{beginning}{query}@host/s?token=1"
                self.assertEqual(redact_url(url), REDACTED, url)
        for userinfo in (f"me/?:{SECRET}=1", f"me/you?a=1&b:{SECRET}&c="):
            self.assertEqual(redact_url(f"ws://{userinfo}@host"), REDACTED, userinfo)

    def test_long(self) -> None:
        """A URL of very many ``@`` takes no time to speak of: a server may send one."""
        began = process_time()
        for url in ("ws://h/?" + "a@" * 50_000, "ws://h/?b=" + "@" * 50_000):
            redact_url(url)
        self.assertLess(process_time() - began, 2.0)

    def test_at_in_a_value(self) -> None:
        """An ``@`` in the value of a parameter hides no more than that value."""
        self.assertEqual(
            redact_url("wss://host:4000/socket?mail=me@there.org&vsn=2.0.0"),
            "wss://host:4000/socket?mail=[redacted]&vsn=[redacted]",
        )
        self.assertEqual(
            redact_url("wss://host/socket?at=12:30/x&mail=me@there.org"),
            "wss://host/socket?at=[redacted]&mail=[redacted]",
        )

    def test_malformed(self) -> None:
        """What cannot be read as a URL is cut out whole."""
        for text in (
            f"ws://host:{SECRET}/s",
            f"ws://[::1{SECRET}",
            f"a:{SECRET}/b",
            # A number that is no port.
            "ws://me:123456/7?x=1@host",
        ):
            self.assertEqual(redact_url(text), REDACTED)

    @checked
    @given(
        st.text(),
        st.from_regex(r"[a-z]{1,5}://", fullmatch=True),
        st.text(alphabet="abc:/[]@.0123456789"),
    )
    def test_any_text(self, secret: str, scheme: str, rest: str) -> None:
        """Any text can be redacted, again and again, and no value is left in it."""
        redacted = redact_url(f"{scheme}{rest}?token=<{secret}>")
        self.assertNotIn(f"<{secret}>", redacted)
        self.assertEqual(redact_url(redacted), redacted)


class RedactWordTests(SynchronousTestCase):
    """:func:`redact_word` and :func:`redact_variable`."""

    def test_secrets(self) -> None:
        """What may hold a secret is redacted, wherever that stands."""
        for text in (
            f"wss://me:{SECRET}@host/socket",
            f"WSS://me:1/{SECRET}#@host",
            f"wss://me:12?{SECRET}@host",
            f"me:{SECRET}@host",
            f"host/socket?token={SECRET}",
            f"--token={SECRET}",
            f"--x=--token={SECRET}",
            f"-t={SECRET}",
            f"--me:{SECRET}@host",
            f" wss://me:{SECRET}\t@host",
        ):
            self.assertNotIn(SECRET, redact_word(text), text)

    def test_others(self) -> None:
        """Words, numbers, topics and ordinary URLs stay."""
        for value in (
            "soon",
            "5",
            "",
            "--join",
            "rooms:*:x",
            "a=b",
            "tcp:9464:interface=0.0.0.0",
            "wss://host:4000/socket",
            "/run/socket",
            5,
            None,
        ):
            self.assertEqual(redact_word(value), value)

    def test_variables(self) -> None:
        """A variable's name is shown, but no token in its place."""
        for name in ("TOKEN", "API_TOKEN_2", "_X", "https_proxy"):
            self.assertEqual(redact_variable(name), name)
        for text in ("SFMyNTY.g2gDbQ", "a1b2c3", "whsec_AbC", "me:pw@host", "A" * 65):
            self.assertEqual(redact_variable(text), REDACTED)


class RedactMappingsTests(SynchronousTestCase):
    """:func:`redact_headers` and :func:`redact_params`."""

    def test_headers(self) -> None:
        """The names of headers stay, and their values are cut out."""
        self.assertEqual(
            redact_headers({"Authorization": SECRET, "X-Trace": "1"}),
            {"Authorization": REDACTED, "X-Trace": REDACTED},
        )

    def test_header_names(self) -> None:
        """The names alone are enough."""
        self.assertEqual(redact_headers(["Set-Cookie"]), {"Set-Cookie": REDACTED})

    def test_params(self) -> None:
        """Values of every type are cut out, and nested names stay."""
        params = {"token": SECRET, "user": {"id": 1, "tags": [SECRET]}, "none": None}
        self.assertEqual(
            redact_params(params),
            {
                "token": REDACTED,
                "user": {"id": REDACTED, "tags": REDACTED},
                "none": REDACTED,
            },
        )

    def test_the_original_is_left_alone(self) -> None:
        """Redacting makes a copy."""
        params = {"user": {"id": 1}}
        redact_params(params)
        self.assertEqual(params, {"user": {"id": 1}})


class CodecWithSecretRepr:
    """An object whose ``repr`` must not be shown."""

    def __repr__(self) -> str:
        return SECRET


class ShownTests(SynchronousTestCase):
    """:func:`shown`."""

    def test_plain_values(self) -> None:
        """Text, numbers, booleans and None stay as they are."""
        for value in (None, True, 1, 1.5, "text"):
            self.assertIs(shown(value), value)

    def test_objects(self) -> None:
        """A class is shown by its name, and other objects never by their ``repr``."""
        self.assertEqual(repr(CodecWithSecretRepr()), SECRET)
        here = CodecWithSecretRepr.__module__
        self.assertEqual(shown(CodecWithSecretRepr), f"{here}.CodecWithSecretRepr")
        self.assertEqual(shown(CodecWithSecretRepr()), f"<{here}.CodecWithSecretRepr>")
        self.assertEqual(shown(json), "<module json>")
        self.assertEqual(shown(json.loads), "<callable>")
        self.assertEqual(shown(functools.partial(redact_url, SECRET)), "<callable>")

    def test_mapping(self) -> None:
        """A mapping is shown with its values shown, and JSON can hold it."""
        value = {"rooms:*": CodecWithSecretRepr, 1: {"a": [object()]}}
        self.assertEqual(
            json.loads(json.dumps(shown(value))),
            {
                "rooms:*": f"{CodecWithSecretRepr.__module__}.CodecWithSecretRepr",
                "1": {"a": "<builtins.list>"},
            },
        )
