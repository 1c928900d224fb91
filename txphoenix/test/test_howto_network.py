"""What the page about the way to the server shows works as it is printed."""

from __future__ import annotations

from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

from cryptography import x509

from txphoenix import SocketClient

from .certificates import Issuer
from .network import TOPIC, NetworkTestCase
from .socks_server import SOCKSServer
from .test_howtos import NOT_THERE, URL, blocks

NO_SOCKS = None if find_spec("txtorcon") else "txtorcon is not installed"


class NetworkPageTests(NetworkTestCase):
    """The page's pieces of code."""

    skip = NOT_THERE

    def run_block(self, caption: str, url: str, **names: Any) -> SocketClient:
        """Run a piece of code on the page.

        :param url: stands in the place of the page's.
        :param names: what the piece takes from elsewhere.
        :return: the client that it has made, started, and stopped after the test.
        """
        (block,) = [
            it for it in blocks("howto-network", "python") if it.caption == caption
        ]
        text = block.text
        for old, new in [(URL, url), *names.pop("changes", [])]:
            text = text.replace(old, new)
        namespace = {"SocketClient": SocketClient, **names}
        exec(compile(text, caption, "exec"), namespace)
        client: SocketClient = namespace["client"]
        self.addCleanup(client.stopService)
        client.startService()
        return client

    async def check(self, client: SocketClient) -> None:
        """Join and push."""
        _, room = await client.join(TOPIC)
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})

    async def test_socks(self) -> None:
        """The example of a SOCKS proxy goes through it, which looks the name up."""
        local = x509.IPAddress(ip_address("127.0.0.1"))
        root = Issuer()
        for tls in (None, root.sign(x509.DNSName("phoenix.example"), local)):
            server = await self.serve(tls=tls)
            socks = await self.listen(SOCKSServer)
            SOCKSServer.asked.clear()
            client = self.run_block(
                "through a SOCKS5 proxy",
                server.url.replace("127.0.0.1", "phoenix.example"),
                changes=[("1080", str(socks))],
            )
            if tls is not None:
                await client.reconfigure(tls=root.tls("phoenix.example"))
            await self.check(client)
            self.assertEqual(SOCKSServer.asked[0], ("phoenix.example", server.port))
            await client.stopService()

    test_socks.skip = NOT_THERE or NO_SOCKS  # type: ignore[attr-defined]
