"""Requests by HTTP verify the server as the socket does: the agent, and its users."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from cryptography import x509
from treq.client import HTTPClient
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import Certificate, CertificateOptions, optionsForClientTLS
from twisted.trial.unittest import TestCase
from twisted.web.client import ResponseNeverReceived
from zope.interface import implementer

from txphoenix import https_agent
from txphoenix.errors import ConfigurationError
from txphoenix.supabase import RealtimeClient, SendError
from txphoenix.supabase.testing import SupabaseServer
from txphoenix.supabase.testing.broadcast_api import BroadcastAPI
from txphoenix.testing.tls import self_signed

from .certificates import Issuer
from .network import reactor

HOST = "127.0.0.1"


class HTTPSTests(TestCase):
    """Broadcasts of Supabase by HTTP, and plain requests."""

    timeout = 120

    async def server(self, tls: CertificateOptions) -> SupabaseServer:
        """A project behind TLS."""
        server = await SupabaseServer(tls=tls).start()
        self.addCleanup(server.stop)
        self.assertTrue(server.project_url.startswith("https://"))
        return server

    def client(self, server: SupabaseServer, tls: Any) -> RealtimeClient:
        """A client that is not started."""
        return RealtimeClient(server.project_url, server.publishable_key, tls=tls)

    async def refused(self, tls: CertificateOptions, trust_root: Any) -> None:
        """Sends to a server with that certificate fail, and it is told nothing."""
        server = await self.server(tls)
        told: list[Any] = []
        self.patch(BroadcastAPI, "render", lambda _, request: told.append(request))
        for given in (optionsForClientTLS(HOST, trust_root), None):
            channel = self.client(server, given).channel("room")
            for send in (channel.send_http, channel.send_broadcast):
                sending = send("shout", {"secret": 1})
                error: Any = await self.assertFailure(sending, SendError)
                self.assertIsNone(error.status)
                self.assertIn("certificate", str(error))
            request = HTTPClient(https_agent(reactor, given)).get(server.project_url)
            await self.assertFailure(request, ResponseNeverReceived)
        self.assertEqual(told, [])

    async def test_good(self) -> None:
        """A certificate that the option ``tls`` trusts is taken."""
        credentials = self_signed()
        server = await self.server(credentials.server)
        tls = optionsForClientTLS(HOST, credentials.trust_root)
        client = self.client(server, tls)
        client.startService()
        self.addCleanup(client.stopService)
        hearing = client.channel("room")
        await hearing.subscribe()
        other = self.client(server, tls).channel("room")
        for send in (other.send_http, other.send_broadcast):
            await send("shout", {"a": 1})
            self.assertEqual((await hearing.receive()).payload.payload, {"a": 1})

    async def test_reconfigured(self) -> None:
        """The option counts as it is when something is sent."""
        credentials = self_signed()
        server = await self.server(credentials.server)
        client = self.client(server, None)
        channel = client.channel("room")
        await self.assertFailure(channel.send_http("shout"), SendError)
        client.socket.reconfigure(tls=optionsForClientTLS(HOST, credentials.trust_root))
        await channel.send_http("shout")

    def test_wrong_options(self) -> None:
        """What is no such object, or would check no name, is refused at once."""
        for wrong in (
            {"tls": "yes"},
            {"tls": self_signed().server},
            {"connect_timeout": 0},
        ):
            self.assertRaises(ConfigurationError, https_agent, reactor, **wrong)

    async def test_wrong_name(self) -> None:
        """A certificate for another host is refused, with the option and without."""
        credentials = self_signed("example.org")
        await self.refused(credentials.server, credentials.trust_root)

    async def test_no_name(self) -> None:
        """So is one without a subjectAltName, for which Twisted alone fails open."""
        issuer = Issuer()
        trust_root = Certificate.loadPEM(issuer.pem)
        await self.refused(issuer.sign(), trust_root)

    async def test_right_name(self) -> None:
        """It is nothing else that is wrong with such a certificate."""
        issuer = Issuer()
        trust_root = Certificate.loadPEM(issuer.pem)
        good = await self.server(issuer.sign(x509.IPAddress(ip_address(HOST))))
        client = self.client(good, optionsForClientTLS(HOST, trust_root))
        await client.channel("room").send_http("shout")

    async def test_option_raises(self) -> None:
        """An object of the user's that raises fails the request at once."""

        @implementer(IOpenSSLClientConnectionCreator)
        class Raising:
            def clientConnectionForTLS(self, protocol: Any) -> Any:
                raise RuntimeError("no")

        server = await self.server(self_signed().server)
        channel = self.client(server, Raising()).channel("room")
        sending = channel.send_http("shout")
        error: Any = await self.assertFailure(sending, SendError)
        self.assertIn("the option tls raised RuntimeError: no", str(error))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
