"""A server that demands a certificate of its clients; over real TCP and TLS.

What the files may hold is in :mod:`.test_tls_files`.
"""

from __future__ import annotations

import io
from datetime import timedelta
from itertools import groupby
from typing import Any

from txphoenix import SocketClient, client_tls
from txphoenix.cli.output import USAGE, Terminal
from txphoenix.cli.program import execute, make_parser
from txphoenix.errors import ConfigurationError, ConnectionFailed
from txphoenix.service.maker import Options, makeService
from txphoenix.test.cli_program import Stream, start_program
from txphoenix.test.client_certificate_case import (
    PASSWORD,
    CertificateFiles,
    common_name,
)
from txphoenix.test.network import NetworkTestCase, Tunnel, reactor
from txphoenix.testing import PhoenixServer, Socket
from txphoenix.testing.tls import ClientAuthority


class ClientCertificateCase(NetworkTestCase):
    """A server that demands a certificate, and notes whom it has seen."""

    timeout = 120

    async def begin(self, **options: Any) -> PhoenixServer:
        """Start it; its URL is one of TLS."""
        self.files = CertificateFiles(self)
        self.seen: list[str | None] = []

        def connect(params: Any, socket: Socket) -> None:
            self.seen.append(common_name(socket.ssl_cert))

        return await self.serve(tls=self.files.demanding, connect=connect, **options)

    def mine(self, name: str = "dev-1", **how: Any) -> Any:
        """The option ``tls`` of a client with a certificate."""
        cert, key = self.files.sign(name, **how)
        return client_tls(
            "127.0.0.1", ca_file=self.files.ca, cert_file=cert, key_file=key
        )

    async def refusal(self, server: PhoenixServer, tls: Any, **options: Any) -> str:
        """How the first attempt fails."""
        client = self.client(server.url, tls=tls, reconnect=False, **options)
        error = await self.failure_of(client.when_connected())
        self.assertIsInstance(error, ConnectionFailed)
        return str(error)


class ShownTests(ClientCertificateCase):
    """The server sees the certificate, whatever leads to it."""

    async def test_transports(self) -> None:
        """So it is over wss and https, by either TLS, and through a proxy."""
        server = await self.begin()
        tunnel = f"http://127.0.0.1:{await self.listen(Tunnel)}"
        before = len(Tunnel.heads)
        tls = self.mine()
        ways: list[dict[str, Any]] = [
            {**transport, **proxy, **fast}
            for transport in ({}, {"transport": "longpoll"})
            for proxy in ({}, {"proxy": tunnel})
            for fast in ({}, {"fast_tls": False})
        ]
        for options in ways:
            client = self.client(server.url, tls=tls, **options)
            self.assertEqual(await client.channel("rooms:1", {"a": 1}).join(), {"a": 1})
            await client.stopService()
        self.assertEqual(self.seen, ["dev-1"] * len(ways))
        self.assertGreaterEqual(len(Tunnel.heads) - before, 4)

    async def test_none(self) -> None:
        """Without one, the error is the server's word for that."""
        server = await self.begin()
        tls = client_tls("127.0.0.1", ca_file=self.files.ca)
        for transport in ("websocket", "longpoll"):
            said = await self.refusal(server, tls, transport=transport)
            self.assertRegex(said, "certificate required|handshake failure")
        self.assertEqual(self.seen, [])

    async def test_expired(self) -> None:
        """A certificate that has expired is read, and the server says no."""
        server = await self.begin()
        said = await self.refusal(server, self.mine(life=timedelta(hours=-1)))
        self.assertIn("certificate expired", said)
        self.assertEqual(self.seen, [])

    async def test_chain(self) -> None:
        """The certificates behind the client's own are sent as well."""
        server = await self.begin()
        between = ClientAuthority(self.files.authority)
        made = between.sign("dev-2")
        path = self.files.write("both.pem", made.certificate + made.key)
        mine: Any = {"ca_file": self.files.ca, "cert_file": path}
        client = self.client(server.url, tls=client_tls("127.0.0.1", **mine))
        await client.when_connected()
        self.assertEqual(self.seen, ["dev-2"])
        # It is the chain that it takes.
        first, _, _ = made.certificate.partition(b"-----END CERTIFICATE-----\n")
        alone = first + b"-----END CERTIFICATE-----\n"
        self.files.write("both.pem", alone + made.key)
        said = await self.refusal(server, client_tls("127.0.0.1", **mine))
        self.assertIn("unknown ca", said)


class RenewedTests(ClientCertificateCase):
    """Files that change while the client runs."""

    async def lose(self, server: PhoenixServer, client: SocketClient) -> None:
        """Have the server end the connection, and wait until that is noticed."""
        closed = self.next_call(client.on_close)
        server.drop()
        await closed

    async def test_renewed(self) -> None:
        """The next attempt shows what is in the files then, in a new session."""
        server = await self.begin()
        for transport in ("websocket", "longpoll"):
            self.seen.clear()
            client = self.client(server.url, tls=self.mine(), transport=transport)
            await client.when_connected()
            for name in ("dev-1", "renewed", "renewed", "again"):
                self.mine(name)
                await self.lose(server, client)
                await client.when_connected()
            # A poll for a session that has ended opens one too.
            seen = [name for name, _ in groupby(self.seen)]
            self.assertEqual(seen, ["dev-1", "renewed", "again"])
            await client.stopService()

    async def test_gone_for_a_while(self) -> None:
        """An attempt that cannot read the files fails, and says why; the next may."""
        server = await self.begin()
        client = self.client(server.url, tls=self.mine())
        await client.when_connected()
        cert = self.files.directory / "cert.pem"
        cert.write_text("half of it")
        failed = self.next_call(client.on_error)
        await self.lose(server, client)
        error = await failed
        # The path behind it may be so long that it is cut.
        said = "TLS: cert_file: there are no certificates in PEM in "
        self.assertIn(said, str(error))
        self.mine("renewed")
        await client.when_connected()
        self.assertEqual(self.seen, ["dev-1", "renewed"])
        # It was no failure of the option's code, which would be an error of the log.
        self.assertEqual(self.flushLoggedErrors(), [])


class ProgramTests(ClientCertificateCase):
    """The command line, and twistd."""

    async def run_command(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command; its status, what it has printed, and what it has said."""
        out, err = Stream(), Stream()
        terminal = Terminal(io.StringIO(), out, err, {})
        args = make_parser("txphoenix").parse_args(arguments)
        status = await execute(reactor, args, terminal)
        return status, out.output.text, err.output.text

    async def test_commands(self) -> None:
        """Each command that connects has the options."""
        server = await self.begin()
        cert, key = self.files.sign("dev-1", password=PASSWORD.encode())
        own = ["--ca-file", self.files.ca, "--cert", cert, "--key", key]
        own += ["--key-password-file", self.files.password()]
        push = ("push", server.url, "rooms:1", "echo", '{"a": 1}')
        status, out, err = await self.run_command(*push, *own)
        self.assertEqual((status, out, err), (0, '{"a": 1}\n', ""))
        # A process of its own, since the console reads standard input.
        arguments = ("-m", "txphoenix", "console", server.url, *own)
        console = start_program(self, *arguments)
        console.transport.closeChildFD(0)
        self.assertEqual(await console.ended, 0, console.err.text)
        # It ends when the server refuses the join of what follows.
        listen = ("listen", server.url, "nowhere", "--no-reconnect")
        status, out, err = await self.run_command(*listen, *own)
        self.assertEqual(status, 1)
        self.assertIn("nowhere", err)
        self.assertEqual(self.seen, ["dev-1"] * 3)
        # Without them it does not even connect.
        status, out, err = await self.run_command(*push, *own[:2])
        self.assertEqual(status, 1)
        self.assertEqual(len(err.splitlines()), 1)
        self.assertRegex(err, "certificate required|handshake failure")

    async def test_wrong_files(self) -> None:
        """A wrong file is one line with the option's name, and exit code 2."""
        server = await self.begin()
        cert, key = self.files.sign("dev-1", password=PASSWORD.encode())
        plain = server.url.replace("wss://", "ws://")
        other = self.files.write("other.pem", self.files.authority.sign("x").key)
        both = ("--cert", cert, "--key", key)
        file = "--key-password-file"
        for url, given, said in (
            (
                server.url,
                ("--cert", "/nowhere"),
                "--cert: cannot read '/nowhere': No s",
            ),
            (server.url, ("--cert", key), "--cert: there are no certificates in PEM"),
            (server.url, ("--cert", cert), "give it by --key"),
            (server.url, ("--key", key), "--key needs --cert as well"),
            (server.url, (file, key), f"{file} needs --cert as well"),
            (server.url, both, f"is encrypted; give its password by {file}"),
            (server.url, (*both[:3], other), "is not that of the first certificate"),
            (server.url, (*both, file, "/nowhere"), f"{file}: cannot read '/nowhere'"),
            (
                server.url,
                (*both, file, self.files.write("empty", b"\n")),
                f"{file}: there is no password in the first line",
            ),
            (
                server.url,
                (*both, file, self.files.write("wrong", b"wr0ng\n")),
                "the password is wrong",
            ),
            (plain, both, "--cert is for a wss:// URL, which this is not"),
            (plain, ("--key", key), "--key is for a wss:// URL"),
        ):
            status, out, err = await self.run_command(
                "push", url, "rooms:1", "echo", "{}", *given
            )
            self.assertEqual((status, out), (USAGE, ""), given)
            self.assertEqual(len(err.splitlines()), 1)
            self.assertIn(said, err)
            self.assertNotIn("wr0ng", err)
            self.assertNotIn("BEGIN", err)
        self.assertEqual(self.seen, [])

    async def connected(self, options: Any) -> None:
        """Run the client that ``twistd txphoenix`` would run, until it is connected."""
        client = makeService(options)
        client.setName("test")
        self.addCleanup(client.stopService)
        client.startService()
        await client.when_connected()
        await client.stopService()

    async def test_twistd(self) -> None:
        """Twistd has them on its command line, in its file and in a dict."""
        server = await self.begin()
        cert, key = self.files.sign("dev-1", password=PASSWORD.encode())
        password = self.files.password()
        parsed = Options()
        parsed.parseOptions(
            [
                *("--url", server.url, "--ca-file", self.files.ca, "--cert", cert),
                *("--key", key, "--key-password-file", password),
            ]
        )
        await self.connected(parsed)
        # Paths are relative to the file.
        config = self.files.write(
            "c.toml",
            f'url = "{server.url}"\nca_file = "ca.pem"\ncert = "cert.pem"\n'
            'key = "key.pem"\nkey-password-file = "password"\n'.encode(),
        )
        await self.connected({"config": config})
        given = {"url": server.url, "ca_file": self.files.ca, "cert": cert}
        given |= {"key": key, "key_password_file": password}
        await self.connected(given)
        self.assertEqual(self.seen, ["dev-1"] * 3)
        for wrong, said in (
            ({"key_password_file": None}, "key: the key in "),
            ({"cert": None}, "key needs cert as well"),
            ({"cert": 5}, "cert must be a str"),
            ({"url": "ws://127.0.0.1/socket"}, "ca_file is for a wss:// URL"),
            ({"ca_file": "/nowhere"}, "ca_file: cannot read '/nowhere'"),
        ):
            error = self.assertRaises(
                ConfigurationError, makeService, {**given, **wrong}
            )
            self.assertIn(said, str(error))
            self.assertNotIn(PASSWORD, str(error))
