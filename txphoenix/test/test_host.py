"""Tests of :mod:`txphoenix.protocol.host`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.protocol.host import read_host, server_name

from .properties import checked, given, st

LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])


class NameTests(SynchronousTestCase):
    """Host names."""

    def test_any_letters(self) -> None:
        """What DNS can hold is a name: underscores, and hyphens wherever they are."""
        for host in (
            "localhost",
            "my_service",
            "_",
            "_dmarc.example.org",
            "a--b.example.org",
            "-a.example.org",
            "a-.example.org",
            "xn--a",
            "3com.example",
            "1.2.3.example",
            "0x7f.example",
            "a" * 63,
            LONGEST,
            f"{LONGEST}.",
            "svc.cluster.local.",
        ):
            self.assertEqual(read_host(host), host)

    def test_case(self) -> None:
        """Names are kept in lower case."""
        self.assertEqual(read_host("My_Service.EXAMPLE."), "my_service.example.")

    def test_idna(self) -> None:
        """Only the parts that are not ASCII are encoded, by IDNA 2008."""
        for host, encoded in (
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.Example", "xn--bcher-kva.example"),
            ("my_service.bücher.example.", "my_service.xn--bcher-kva.example."),
            ("a--b.ü", "a--b.xn--tda"),
            ("bücher。example", "xn--bcher-kva.example"),
            ("\uff11\uff12\uff17.0.0.1", "127.0.0.1"),
        ):
            self.assertEqual(read_host(host), encoded)

    def assert_refused(self, host: str, why: str) -> None:
        """The host is refused, at the construction of a client, and it is said why."""
        self.assertIn(why, str(self.assertRaises(ValueError, read_host, host)))
        error = self.assertRaises(
            ConfigurationError, SocketClient, f"wss://{host}:4000/socket"
        )
        self.assertIn("url has a host that is ", str(error))
        self.assertIn(why, str(error))
        proxied = self.assertRaises(
            ConfigurationError,
            SocketClient,
            "wss://example.org",
            proxy=f"http://me:pw@{host}:3128",
        )
        self.assertIn("proxy has a host that is ", str(proxied))
        self.assertIn(why, str(proxied))

    def test_empty_label(self) -> None:
        """Nothing between two dots is no name."""
        for host in ("a..b", ".a", "a..", ".", "..", "ü..b"):
            self.assert_refused(host, "a part of it between dots is empty")

    def test_too_long(self) -> None:
        """RFC 1035 section 2.3.4: 63 characters a part, and 253 in all."""
        self.assert_refused("a" * 64, "more than 63 characters")
        self.assert_refused(f"a.{'b' * 64}.c", "more than 63 characters")
        self.assert_refused(f"{LONGEST}e", "more than 253 characters")
        self.assert_refused(f"{LONGEST}e.", "more than 253 characters")

    def test_numbers(self) -> None:
        """What ends in a number is an address of four decimal parts, or nothing."""
        for host in (
            "1.2.3",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0x",
            "a.1",
            "a.0x1f",
            "256.1.1.1",
            "1.2.3.4.5",
            "0177.0.0.1",
            "1.2.3.4.",
            "1.2.3.0x4",
        ):
            self.assert_refused(host, "no IPv4 address, which is four decimal numbers")

    def test_other_characters(self) -> None:
        """Everything else is no host at all."""
        for host in ("a,b", "a%41", "a\\b", "a!b", "a*", "\u2100.com"):
            self.assert_refused(host, "neither a host name nor an IP address")
        for host in ("b\u0378.example", "\u200d.example", "bü_cher.example"):
            self.assert_refused(host, "IDNA does not allow its characters")
        self.assert_refused("ü" * 60, "or how many they are")


class AddressTests(SynchronousTestCase):
    """IP addresses."""

    def test_addresses(self) -> None:
        """Addresses are kept, without the brackets and with their zone."""
        for host, kept in (
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "::1"),
            ("[FE80::A]", "fe80::a"),
            ("[fe80::1%25eth0.100]", "fe80::1%eth0.100"),
            # Interfaces' names differ by case.
            ("[FE80::1%25WLan0]", "fe80::1%WLan0"),
        ):
            self.assertEqual(read_host(host), kept)

    def test_refused(self) -> None:
        """What is in brackets is an address of IPv6."""
        for host in (
            "[]",
            "[::1",
            "[::g]",
            "[1.2.3.4]",
            "[fe80::1%25]",
            "[fe80::1%25a%20b]",
            "[fe80::1%25a]b]",
            "[fe80::1%25é]",
        ):
            error = self.assertRaises(ValueError, read_host, host)
            self.assertIn("no IPv6 address", str(error))

    @checked
    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Any text is a host in ASCII, or refused by a ValueError of ours."""
        try:
            host = read_host(text)
        except ValueError as error:
            self.assertTrue(str(error).startswith(("no ", "neither ")), error)
        else:
            self.assertTrue(host.isascii())
            self.assertNotIn(" ", host)


class ServerNameTests(SynchronousTestCase):
    """:func:`server_name`."""

    def test_what_is_for_the_way(self) -> None:
        """A server is told of no final dot (RFC 6066) and of no zone (RFC 6874)."""
        for host, name in (
            ("svc.cluster.local.", "svc.cluster.local"),
            ("localhost", "localhost"),
            ("fe80::1%eth0", "fe80::1"),
            ("::1", "::1"),
        ):
            self.assertEqual(server_name(host), name)
