"""The texts on the page about troubleshooting that come of attempts to connect."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from functools import partial
from typing import Any

from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.error import DNSLookupError
from twisted.internet.ssl import optionsForClientTLS

from txphoenix import ConnectionFailed, SocketClient, https_agent
from txphoenix.cli.program import make_parser
from txphoenix.errors import ConnectTimeout
from txphoenix.testing import PhoenixServer
from txphoenix.testing.rooms import demo_channels
from txphoenix.testing.tls import ClientAuthority, self_signed
from txphoenix.transports.failures import failed_with

from .cli_program import CommandTestCase, start_program
from .troubleshooting_case import NOT_THERE, TroubleMixin


class NetworkTests(TroubleMixin, CommandTestCase):
    """A client, and commands, and servers that do not take them."""

    skip = NOT_THERE

    async def secure_server(self, tls: Any) -> PhoenixServer:
        """A server by TLS."""
        server = PhoenixServer(demo_channels(), tls=tls)
        await server.start()
        self.addCleanup(server.stop, drain=False)
        return server

    async def say_failed(self, url: str, **options: Any) -> None:
        """Why an attempt to connect fails was said."""
        client = SocketClient(url, **options)
        client.startService()
        try:
            with self.assertRaises(ConnectionFailed) as caught:
                await client.when_connected(fail_after_failures=1)
        finally:
            await client.stopService()
        self.say(caught.exception)

    def raises(self) -> str:
        """A token that there is not."""
        raise RuntimeError("none")

    async def test_connecting(self) -> None:
        """Why there is no connection."""
        server = await self.phoenix_server()
        await self.say_failed(f"{server.url}/websocket/websocket")
        for status in (403, 429, 503, 500, 502, 504, 301):
            server.refuse(status)
            await self.say_failed(server.url)
        credentials = self_signed()
        secure = await self.secure_server(credentials.server)
        await self.say_failed(secure.url)
        await self.say_failed(secure.url.replace("wss:", "ws:"))
        other = optionsForClientTLS("other.example", trustRoot=credentials.trust_root)
        await self.say_failed(secure.url, tls=other)
        demanding = ClientAuthority().demanded_by(credentials)
        secure = await self.secure_server(demanding)
        known = optionsForClientTLS("127.0.0.1", trustRoot=credentials.trust_root)
        await self.say_failed(secure.url, tls=known)
        await self.say_failed(server.url, auth_token=self.raises)
        page = f"https://127.0.0.1:{secure.port}/"
        ask = partial(HTTPClient(https_agent(reactor)).get, page)
        await self.say_failed(server.url, auth_token=ask)
        await server.stop(drain=False)
        await self.say_failed(server.url)
        self.say(failed_with(DNSLookupError("no results for a name")))
        self.say(ConnectTimeout(15.0, "the TLS handshake"))
        self.assert_section("Connecting")

    async def test_command_line(self) -> None:
        """What commands say."""
        server = await self.phoenix_server()
        port = str(server.port)
        self.assertEqual(await self.command("serve", "--port", port), 1)
        for line in (b"push rooms:attic new_msg", b"psuh rooms:attic new_msg"):
            console = start_program(self, "-m", "txphoenix", "console", server.url)
            console.transport.write(line)
            console.transport.closeChildFD(0)
            self.assertEqual(await console.ended, 1)
            self.say(console.err.text)
        server.refuse(403)
        self.assertEqual(await self.command("listen", server.url, "rooms:lobby"), 1)
        lines = self.err.output.text.splitlines()
        self.say_all(*(line for line in lines if " error: " in line))
        for arguments in (
            ("push", server.url, "rooms:lobby", "new_msg", "hi"),
            ("listen", server.url, "rooms:lobby", "--param", "user_id"),
        ):
            printed = io.StringIO()
            with redirect_stderr(printed):
                parse = make_parser("txphoenix").parse_args
                self.assertRaises(SystemExit, partial(parse, arguments))
            self.say(printed.getvalue())
        self.assert_section("Command line")
