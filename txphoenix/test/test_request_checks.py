"""Tests of :mod:`txphoenix.options.request_checks`."""

from __future__ import annotations

from txphoenix.options.request_checks import (
    check_auth_token,
    check_headers,
    check_params,
    check_url,
)

from .checks_case import SECRET, CheckCase


class CheckURLTests(CheckCase):
    """:func:`check_url`."""

    def test_good(self) -> None:
        """A URL is returned as it was given."""
        url = "HTTPS://Host/socket?a=1"
        self.assertEqual(check_url(url), url)

    def test_bad(self) -> None:
        """What is no str, or no URL to connect to, is refused."""
        self.assert_refused("url must be a str, not None", check_url, None)
        self.assert_refused("type bytes", check_url, SECRET.encode())
        self.assert_refused("url must begin with", check_url, "localhost:4000")


class CheckParamsTests(CheckCase):
    """:func:`check_params`."""

    def test_good(self) -> None:
        """Parameters are copied, and None means none."""
        params = {"a": {"b": [1]}}
        checked = check_params(params)
        self.assertEqual(checked, params)
        self.assertIsNot(checked, params)
        self.assertEqual(check_params(None), {})

    def test_bad(self) -> None:
        """What is no mapping, or what no query can hold, is refused."""
        self.assert_refused("params must be a mapping", check_params, [SECRET])
        self.assert_refused("not a bytes", check_params, {"a": SECRET.encode()})


class CheckHeadersTests(CheckCase):
    """:func:`check_headers`."""

    def test_good(self) -> None:
        """Headers are copied, and None means none."""
        headers = {"Authorization": "Bearer abc", "X-ü".encode().hex(): "ü\t~"}
        checked = check_headers(headers)
        self.assertEqual(checked, headers)
        self.assertIsNot(checked, headers)
        self.assertEqual(check_headers(None), {})

    def test_no_mapping(self) -> None:
        """The pairs of the Elixir client are refused: a header comes once."""
        self.assert_refused(
            "headers must be a mapping of str to str, not a value of type list",
            check_headers,
            [("Authorization", SECRET)],
        )

    def test_types(self) -> None:
        """Names and values are str."""
        self.assert_refused("a name in headers", check_headers, {SECRET.encode(): "x"})
        self.assert_refused(
            "the value of 'A' in headers must be a str, not a value of type bytes",
            check_headers,
            {"A": SECRET.encode()},
        )
        self.assert_refused("not None", check_headers, {"A": None})

    def test_names(self) -> None:
        """A name is a token (RFC 9110 section 5.6.2)."""
        for name in ("", "a b", "a:", "a\n", "ä", "\x00", "(a)", f"Bearer {SECRET}"):
            self.assert_refused("headers: a name must be", check_headers, {name: "x"})

    def test_values(self) -> None:
        """A value cannot end its header, nor hold control characters."""
        for character in "\r\n\x00\x0b\x7f\ud800":
            self.assert_refused(
                "the value of 'A' must not hold",
                check_headers,
                {"A": f"{SECRET}{character}"},
            )

    def test_own_headers(self) -> None:
        """The headers of the handshake itself are refused."""
        for name, why in (
            ("UPGRADE", "asks for the WebSocket"),
            ("connection", "asks for the WebSocket"),
            ("Content-Length", "what the body is"),
            ("content-encoding", "what the body is"),
            ("Transfer-Encoding", "what the body is"),
            ("Sec-WebSocket-Protocol", "part of the handshake"),
            ("sec-websocket-key", "part of the handshake"),
        ):
            self.assert_refused(
                f"the client writes {name!r} itself", check_headers, {name: SECRET}
            )
            self.assert_refused(why, check_headers, {name: SECRET})

    def test_host(self) -> None:
        """``Host`` may be any host with a port or without, and nothing else."""
        for host in ("example.org", "my_service:4000", "[::1]:80", "10.0.0.1", "a."):
            self.assertEqual(check_headers({"hoST": host}), {"hoST": host})
        for host in (
            "",
            SECRET + "/",
            f"{SECRET}@host",
            f"http://{SECRET}",
            f"{SECRET}:x",
            f"{SECRET}, b",
            "bücher.example",
            f"host?{SECRET}",
            f"host#{SECRET}",
            "1.2.3",
            "[fe80::1%25eth0]",
            "[fe80::1%eth0]:80",
        ):
            self.assert_refused("the value of 'Host'", check_headers, {"Host": host})

    def test_twice(self) -> None:
        """Names differ by more than their case."""
        for one, other in (("A", "a"), ("a", "A")):
            headers = {one: "1", other: SECRET}
            self.assert_refused(f"{other!r} comes twice", check_headers, headers)


class CheckAuthTokenTests(CheckCase):
    """:func:`check_auth_token`."""

    def test_good(self) -> None:
        """A token is any text that goes through a header; None means none."""
        for token in (
            "SFMyNTY.g2gD-_=",
            "~!/+",
            "Zoë \t\u2603\U0001f511",
            "\x80",
            None,
        ):
            self.assertEqual(check_auth_token(token), token)

    def test_bad(self) -> None:
        """What HTTP would change or end is refused, and not shown."""
        self.assert_refused("auth_token must be a str", check_auth_token, 1)
        for token in (
            "",
            " ",
            *(f"{SECRET}{c}{SECRET}" for c in "\r\n\x00\x0b\x1f\x7f\ud800\udfff"),
            f"{SECRET}\n",
            f" {SECRET}",
            f"{SECRET} ",
            f"\t{SECRET}",
        ):
            self.assert_refused("either end, where HTTP", check_auth_token, token)
