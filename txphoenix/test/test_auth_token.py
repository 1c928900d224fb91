"""The option ``auth_token``: any text, alike on each transport, over real TCP."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import succeed

from txphoenix.errors import ConfigurationError

from .network import TOPIC, NetworkTestCase

TOKENS = (
    "SFMyNTY.g2gD-_=",
    "two words, and a tab\tinside",
    "Zoë \u2603 \U0001f511",
    '"quoted"; a=b, c',
    "\x80\x85\u00a0\u2028",
    "\u00a0",
    "~?~?~?",
    "a" * 3000 + "é" * 500,
)


class TokenTests(NetworkTestCase):
    """What the server gets is what the user gave."""

    async def tokens(self, token: Any, **options: Any) -> list[Any]:
        """The tokens that a server has got from a client, until that could push."""
        got: list[Any] = []

        def connect(_params: Any, socket: Any) -> None:
            got.append((socket.transport, socket.auth_token))

        websocket = options.pop("websocket", True)
        server = await self.serve(auth_token=True, connect=connect, websocket=websocket)
        client = self.client(server.url, auth_token=token, **options)
        _, room = await client.join(TOPIC)
        self.assertEqual(await room.push("echo", 1), 1)
        await client.stopService()
        await server.stop(drain=False)
        return got

    async def test_any_text(self) -> None:
        """Each token comes through each transport, and through the fallback."""
        for token in TOKENS:
            with self.subTest(token=token[:20]):
                self.assertEqual(await self.tokens(token), [("websocket", token)])
                self.assertEqual(
                    await self.tokens(token, transport="longpoll"),
                    [("longpoll", token)],
                )
                self.assertEqual(
                    await self.tokens(token, longpoll_fallback=5.0, websocket=False),
                    [("longpoll", token)],
                )

    async def test_callables(self) -> None:
        """So does one from a callable."""

        async def later() -> str:
            return "Zoë"

        for supplied in (lambda: "Zoë", lambda: succeed("Zoë"), later):
            self.assertEqual(await self.tokens(supplied), [("websocket", "Zoë")])

    async def test_refused(self) -> None:
        """One that HTTP would change is refused, out of a callable as well."""
        for token in ("a\r\nX: y", " a", "a\t", "", "\ud800", "a\x00"):
            for transport in ("websocket", "longpoll"):
                client = self.client(
                    "ws://127.0.0.1:1/socket",
                    auth_token=lambda token=token: token,
                    transport=transport,
                    reconnect=False,
                )
                error = await self.failure_of(client.when_connected())
                self.assertIs(type(error), ConfigurationError)
                self.assertIn("auth_token must be", str(error))
