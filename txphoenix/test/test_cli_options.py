"""Options that the commands with a client share: :mod:`txphoenix.cli.options`."""

from __future__ import annotations

import io
import os
import sys
from argparse import ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from txphoenix.cli.options import (
    add_client_options,
    add_join_params,
    connect,
    explain,
    json_payload,
    json_value,
    port_number,
    positive_count,
    positive_seconds,
    running_client,
)
from txphoenix.cli.output import USAGE, CommandError, Terminal
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError, ConnectionFailed
from txphoenix.serializer import V2Serializer, register
from txphoenix.test.cli_program import Stream
from txphoenix.testing import PhoenixServer, Socket, demo_channels
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.tls import self_signed


def parse(*arguments: str) -> Namespace:
    """The arguments of a command that has a client."""
    parser = ArgumentParser(exit_on_error=False)
    add_client_options(parser)
    add_join_params(parser)
    return parser.parse_args(arguments)


class TypeTests(SynchronousTestCase):
    """Arguments that are more than text."""

    def assert_refused(self, check: object, *texts: str) -> None:
        """The type takes none of these."""
        for text in texts:
            self.assertRaises(ArgumentTypeError, check, text)

    def test_json(self) -> None:
        """Any JSON is taken, and nothing that Python alone takes for JSON."""
        self.assertEqual(json_value('{"a": [1, null]}'), {"a": [1, None]})
        self.assert_refused(json_value, "", "{", "NaN", "-Infinity", "[" * 200_000)

    def test_standard_input(self) -> None:
        """A payload of ``-`` is the JSON of standard input."""
        self.assertEqual(json_payload("1"), 1)
        self.patch(sys, "stdin", io.StringIO('{"a": 1}\n'))
        self.assertEqual(json_payload("-"), {"a": 1})
        # It is read only once.
        self.assert_refused(json_payload, "-", "{")

    def test_encodings(self) -> None:
        """JSON is UTF-8, with or without a byte order mark, whatever the locale."""
        for encoding in ("utf-8", "latin-1", "ascii"):
            written = io.BytesIO(b'\xef\xbb\xbf"\xc3\xa9"\n')
            self.patch(sys, "stdin", io.TextIOWrapper(written, encoding))
            self.assertEqual(json_payload("-"), "\u00e9")
        self.assertEqual(json_value("\ufeff1"), 1)
        error = self.assertRaises(ArgumentTypeError, json_value, '"\u00e9\udcff"')
        self.assertEqual(str(error), "it is not UTF-8 at byte 4")

    def test_typed_payload(self) -> None:
        """What a person types is in the encoding of their terminal."""

        class Typed(io.TextIOWrapper):
            def isatty(self) -> bool:
                return True

        self.patch(sys, "stdin", Typed(io.BytesIO(b'"\xe9"'), "latin-1"))
        self.assertEqual(json_payload("-"), "\u00e9")
        self.patch(sys, "stdin", Typed(io.BytesIO(b'"\xe9"'), "ascii"))
        error = self.assertRaises(ArgumentTypeError, json_payload, "-")
        self.assertEqual(str(error), "standard input is not ASCII at byte 2")

    def test_unreadable_standard_input(self) -> None:
        """Standard input may be closed, a directory, or no text."""
        raw = io.BytesIO()
        raw.read = self.raise_error  # type: ignore[method-assign]
        directory = io.TextIOWrapper(raw)
        binary = io.TextIOWrapper(io.BytesIO(b'"\xc3\xa9\xff"'), "latin-1")
        for stdin, said in (
            (None, "there is no standard input"),
            (directory, "cannot read standard input: Is a directory"),
            (binary, "standard input is not UTF-8 at byte 4"),
        ):
            self.patch(sys, "stdin", stdin)
            error = self.assertRaises(ArgumentTypeError, json_payload, "-")
            self.assertEqual(str(error), said)

    def raise_error(self, size: int | None = None) -> bytes:
        """Be a stream that cannot be read."""
        raise IsADirectoryError(21, "Is a directory")

    def test_seconds(self) -> None:
        """A duration is above zero and finite."""
        self.assertEqual(positive_seconds("0.5"), 0.5)
        self.assert_refused(positive_seconds, "0", "-1", "inf", "nan", "soon")

    def test_count(self) -> None:
        """A count is a whole number above zero."""
        self.assertEqual(positive_count("3"), 3)
        self.assert_refused(positive_count, "0", "-1", "1.5", "many")

    def test_port(self) -> None:
        """A port is what TCP has, or zero."""
        self.assertEqual(port_number("0"), 0)
        self.assertEqual(port_number("65535"), 65535)
        self.assert_refused(port_number, "65536", "-1", "x", "1" * 5000, "")

    def test_pairs(self) -> None:
        """Parameters and headers are a name and a value."""
        args = parse("--param", "a=b=c", "--header", "X-A:  b:c ", "ws://localhost/s")
        self.assertEqual(args.param, [("a", "b=c")])
        self.assertEqual(args.header, [("X-A", "b:c")])

    def test_wrong_pairs(self) -> None:
        """What is no pair is refused, and not shown: it may be a secret."""
        for option in ("--param", "--header"):
            for text in ("sesame", "=sesame", ":sesame"):
                error = self.assertRaises(
                    ArgumentError, parse, option, text, "ws://localhost/socket"
                )
                self.assertNotIn("sesame", str(error))

    def test_explain(self) -> None:
        """An error's text goes into a sentence without its full stop."""
        self.assertEqual(explain(ConnectionFailed("Refused.")), "Refused")


class RunningClientTests(PhoenixMixin, SynchronousTestCase):
    """What the options come to, at a server in memory."""

    def connected(
        self, *arguments: str, environ: Mapping[str, str] | None = None
    ) -> tuple[Socket, SocketClient]:
        """Connect with these arguments; how the server sees it, and the client."""
        memory = self.phoenix_memory_server(auth_token=True)
        terminal = Terminal(io.StringIO(), Stream(), Stream(), environ or {})
        seen: list[tuple[Socket, SocketClient]] = []

        async def use() -> None:
            args = parse(*arguments, memory.url)
            async with running_client(
                memory.clock, args, terminal, endpoint=memory.endpoint
            ) as client:
                await client.when_connected()
                seen.append((memory.connections[0].socket, client))

        used = Deferred.fromCoroutine(use())
        memory.flush()
        self.successResultOf(used)
        self.assertEqual(memory.connections, [])
        return seen[0]

    def refused(self, *arguments: str, url: str = "ws://localhost/socket") -> str:
        """Fail to make a client of these arguments; what is said about it."""
        terminal = Terminal(io.StringIO(), Stream(), Stream(), {})
        memory = self.phoenix_memory_server()

        async def use() -> None:
            async with running_client(memory.clock, parse(*arguments, url), terminal):
                self.fail("it has been made")

        failure = self.failureResultOf(
            Deferred.fromCoroutine(use()), CommandError, ConfigurationError
        )
        self.assertEqual(getattr(failure.value, "code", USAGE), USAGE)
        return str(failure.value)

    def test_defaults(self) -> None:
        """Without options the client is as the library makes it."""
        socket, client = self.connected()
        self.assertEqual(socket.params, {"vsn": "2.0.0"})
        self.assertIsNone(socket.auth_token)
        self.assertEqual(client.options.timeout, 5.0)
        self.assertEqual(client.options.connect_timeout, 15.0)

    def test_params(self) -> None:
        """Parameters may be nested, and lists, as Plug writes them."""
        socket, _ = self.connected(
            *("--param", "a=1"),
            *("--param", "user[id]=2", "--param", "user[name]=x y"),
            *("--param", "ids[]=3", "--param", "ids[]=4"),
            *("--param", "deep[list][]=5", "--param", "deep[list][]=6"),
        )
        self.assertEqual(
            socket.params,
            {
                "a": "1",
                "user": {"id": "2", "name": "x y"},
                "ids": ["3", "4"],
                "deep": {"list": ["5", "6"]},
                "vsn": "2.0.0",
            },
        )

    def test_headers(self) -> None:
        """Headers reach the server."""
        socket, _ = self.connected("--header", "X-One: 1", "--header", "X-Two: a: b")
        self.assertEqual(socket.headers["x-one"], "1")
        self.assertEqual(socket.headers["x-two"], "a: b")

    def test_timeout(self) -> None:
        """One timeout is for the connection, for each reply, and for the close."""
        for seconds in (0.5, 2.5):
            _, client = self.connected("--timeout", str(seconds))
            self.assertEqual(client.options.timeout, seconds)
            self.assertEqual(client.options.connect_timeout, seconds)
            self.assertEqual(client.options.close_timeout, min(seconds, 2.0))

    def test_vsn(self) -> None:
        """The old wire format can be had."""
        socket, _ = self.connected("--vsn", "1.0.0")
        self.assertEqual(socket.params, {"vsn": "1.0.0"})

    def test_registered_vsn(self) -> None:
        """So can one that the program has registered which runs the command."""
        self.assertRaises(ArgumentError, parse, "--vsn", "2.1.0", "ws://localhost/s")
        self.addCleanup(register("2.1.0", V2Serializer))
        args = parse("--vsn", "2.1.0", "ws://localhost/s")
        self.assertEqual(args.vsn, "2.1.0")

    def test_join_params(self) -> None:
        """What a join sends is any JSON."""
        args = parse("--join-params", '{"a": 1}', "ws://localhost/socket")
        self.assertEqual(args.join_params, {"a": 1})

    def test_token(self) -> None:
        """A token comes from the command line, a variable or a file."""
        path = self.mktemp()
        Path(path).write_text("sesame\n", "utf-8")
        for arguments in (
            ("--token", "sesame"),
            ("--token-env", "TOKEN"),
            ("--token-file", path),
        ):
            socket, _ = self.connected(*arguments, environ={"TOKEN": " sesame "})
            self.assertEqual(socket.auth_token, "sesame")

    def test_token_file_is_read_anew(self) -> None:
        """A token that was renewed meanwhile is used by the next attempt."""
        path = Path(self.mktemp())
        path.write_text("old", "utf-8")
        _, client = self.connected("--token-file", str(path))
        path.write_text("new", "utf-8")
        read = client.options.auth_token
        self.assertEqual(read() if callable(read) else read, "new")

    def test_no_token(self) -> None:
        """A variable or a file that is not there is an error at once."""
        self.assertIn("NOTHING", self.refused("--token-env", "NOTHING"))
        # The token itself may be in the name's place.
        self.assertNotIn("g2gDbQ", self.refused("--token-env", "SFMyNTY.g2gDbQ"))
        said = self.refused("--token-file", "/nowhere/token")
        self.assertIn("'/nowhere/token': No such file", said)

    def test_file_that_is_no_text(self) -> None:
        """A file that is not UTF-8 is no token."""
        path = Path(self.mktemp())
        path.write_bytes(b"sesame\xff\xfe")
        said = self.refused("--token-file", str(path))
        self.assertIn(f"cannot read {str(path)!r}: it is not UTF-8 at byte 7", said)
        said = self.refused("--token-file", "a\0b")
        self.assertIn("cannot read 'a\\x00b': no file can have this name", said)

    def test_byte_order_mark(self) -> None:
        """What editors on Windows put before a token is no part of it."""
        path = Path(self.mktemp())
        path.write_text("sesame\r\n", "utf-8-sig")
        socket, _ = self.connected("--token-file", str(path))
        self.assertEqual(socket.auth_token, "sesame")

    def test_no_regular_file(self) -> None:
        """A token that cannot be read anew, as one in a pipe, is an error at once."""
        said = self.refused("--token-file", os.devnull)
        self.assertIn("it is no regular file", said)

    def test_empty_names(self) -> None:
        """A name that is empty, as of a variable that is not there, is no file."""
        for option in ("--ca-file", "--cert", "--key", "--key-password-file"):
            said = self.refused(option, "")
            self.assertIn(f"{option} must be the path of a file, not ''", said)

    def test_twice(self) -> None:
        """A name that comes twice is an error, also where one of them is a list."""
        for names in (("a", "a"), ("a", "a[]"), ("a[]", "a")):
            pairs = [word for name in names for word in ("--param", f"{name}=1")]
            self.assertIn("'a' comes twice", self.refused(*pairs))
        headers = ("--header", "A: 1", "--header", "A: 2")
        self.assertIn("'A' comes twice", self.refused(*headers))

    def test_certificates_without_tls(self) -> None:
        """Certificates for a connection that is not TLS are a mistake."""
        self.assertIn("wss://", self.refused("--ca-file", "/nowhere/ca.pem"))

    def test_no_certificates(self) -> None:
        """A file must hold certificates, and good ones."""
        path = Path(self.mktemp())
        url = "wss://localhost/socket"
        broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        for text in ("", "nothing", broken):
            path.write_text(text, "utf-8")
            said = self.refused("--ca-file", str(path), url=url)
            self.assertIn("no certificates in PEM", said)

    def test_wrong_url(self) -> None:
        """A wrong URL is told by the client's own check."""
        self.assertIn("url must begin with", self.refused(url="localhost"))


class TLSTests(PhoenixMixin, TestCase):
    """``--ca-file``, at a server over TLS."""

    timeout = 120

    async def test_ca_file(self) -> None:
        """A server is trusted if the file has its authority, and only then."""
        from twisted.internet import reactor

        credentials = self_signed()
        server = PhoenixServer(demo_channels(), tls=credentials.server)
        await server.start()
        self.addCleanup(server.stop, drain=False)
        path = Path(self.mktemp())
        # A file has several certificates and comments, mostly.
        path.write_bytes(b"# a comment\n" + credentials.trust_root.dumpPEM() * 2)
        terminal = Terminal(io.StringIO(), Stream(), Stream(), {})

        async def connect_with(*arguments: str) -> None:
            args = parse(*arguments, server.url)
            async with running_client(
                reactor,
                args,
                terminal,
                reconnect=False,
            ) as client:
                await connect(client, args)

        await connect_with("--ca-file", str(path))
        with self.assertRaises(CommandError) as caught:
            await connect_with()
        self.assertIn("cannot connect to wss://127.0.0.1", str(caught.exception))
        self.assertIn("certificate verify failed", str(caught.exception))
