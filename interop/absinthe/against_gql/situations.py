"""What can happen to a client of Absinthe, and what is seen of it then.

Each function leads one client into a situation, and returns what it did, in words that
do not depend on the client.
"""

from __future__ import annotations

import asyncio
from typing import Any

from txphoenix import Message

from ..server import AbsintheInteropServer, controls
from .sides import Heard, Side, until

__all__ = ["Stage"]

NEWS = "subscription { news }"
CONTROL = "__absinthe__:control"
SOON = 0.5
"""The seconds in which an end that may come is waited for first.

Nothing is made of its not coming: a busy machine may take longer.
"""


class Stage:
    """One client and its server.

    :param side: the client.
    :param server: its server, which is started.
    """

    def __init__(self, side: Side, server: AbsintheInteropServer) -> None:
        self.side = side
        self.server = server
        self.say = controls(server)

    async def begin(self, **options: Any) -> None:
        """Connect."""
        await self.side.connect(self.server.url, **options)

    async def begin_listening(self, document: str = NEWS) -> Heard:
        """Connect, and subscribe."""
        await self.begin()
        return await self.listen(document)

    async def listen(self, document: str = NEWS) -> Heard:
        """Subscribe, and wait until the server has it."""
        before = self.say["subscriptions"]()
        heard = self.side.subscribe(document)
        await until(lambda: self.say["subscriptions"]() > before)
        return heard

    async def goes_on(self, heard: Heard) -> str:
        """Whether a subscription goes on by itself after what has happened."""
        await until(lambda: heard.end or self.say["subscriptions"]())
        if heard.end is None:
            before = len(heard.results)
            self.say["publish"]("news", "later")
            await until(lambda: heard.end or len(heard.results) > before)
            if len(heard.results) > before:
                return "goes on"
        return f"ends: {heard.end}" if heard.end else "hears no more"

    def received(self, event: str) -> int:
        """How many messages of an event the server has had."""
        count: int = self.say["received"](event)
        return count

    # The situations.

    async def lost(self) -> str:
        """The connection is lost."""
        heard = await self.begin_listening()
        self.server.drop()
        return await self.goes_on(heard)

    async def query_after_loss(self) -> str:
        """A query follows the loss."""
        heard = await self.begin_listening()
        self.server.drop()
        await until(lambda: heard.end or len(self.server.sessions) > 1)
        data = await self.side.execute("query { echo }")
        return "answered" if data == {"echo": {}} else str(data)

    async def _sent(self, document: str) -> str:
        """How often an operation is sent whose connection is lost."""
        await self.begin()
        running = asyncio.ensure_future(self.side.execute(document))
        await until(lambda: self.received("doc"))
        self.server.drop()
        await until(lambda: running.done() or self.received("doc") > 1)
        if running.done():
            return f"fails: {running.result()}"
        running.cancel()
        await asyncio.wait([running])
        return "is sent again"

    async def query_lost(self) -> str:
        """The connection is lost while a query is under way."""
        return await self._sent("query { hang }")

    async def mutation_lost(self) -> str:
        """The connection is lost while a mutation is under way."""
        return await self._sent("mutation { hang }")

    async def control_crashes(self) -> str:
        """The control channel crashes on the server."""
        heard = await self.begin_listening()
        self.server.kill_channel(CONTROL)
        return await self.goes_on(heard)

    async def control_closed(self) -> str:
        """The server closes the control channel."""
        heard = await self.begin_listening()
        for channel in self.server.channels(CONTROL):
            channel.stop()
        await until(lambda: heard.end, SOON)
        return await self.goes_on(heard)

    async def late_result(self) -> str:
        """A result comes for a subscription that has ended, while another goes on."""
        await self.begin()
        first, second = await self.listen(), await self.listen()
        known = self.say["ids"]()
        await self.side.unsubscribe(first)
        await until(lambda: self.say["subscriptions"]() == 1)
        (gone,) = set(known) - set(self.say["ids"]())
        payload = {"result": {"data": {"news": "late"}}, "subscriptionId": gone}
        message = Message(None, None, gone, "subscription:data", payload)
        self.server.sessions[-1].send(message)
        await until(lambda: second.end, SOON)
        return await self.goes_on(second)

    async def unknown_event(self) -> str:
        """The server sends an event that the client does not know."""
        heard = await self.begin_listening()
        message = Message(None, None, CONTROL, "notice", {})
        self.server.sessions[-1].send(message)
        await until(lambda: heard.end, SOON)
        return await self.goes_on(heard)

    async def wrong_subscription(self) -> str:
        """Absinthe refuses the document of a subscription."""
        await self.begin()
        heard = self.side.subscribe("subscription { wrong }")
        await until(lambda: heard.end)
        return f"ends: {heard.end}"

    async def partial(self) -> str:
        """An answer has errors, and data as well."""
        await self.begin()
        return str(await self.side.execute("query { partial }"))

    async def silent(self) -> str:
        """The server answers no heartbeat any more."""
        await self.begin(heartbeat=0.05)
        await until(lambda: self.received("heartbeat"))
        self.server.pause()
        sessions = self.server.sessions
        before = len(sessions)
        has_gone = await until(
            lambda: not self.server.connections or len(sessions) > before
        )
        return "is given up" if has_gone else "is kept"

    async def token(self) -> str:
        """The token is another at each attempt."""
        tokens = iter(range(1, 100))
        await self.begin(token=lambda: str(next(tokens)))
        heard = await self.listen()
        self.server.drop()
        await until(lambda: heard.end or len(self.server.sessions) > 1)
        await until(lambda: len(self.server.sessions) > 1)
        seen = [session.socket.params["token"] for session in self.server.sessions]
        return f"tokens {', '.join(seen[:2])}"

    async def wire(self) -> str:
        """What the server knows of the wire."""
        await self.begin()
        await self.side.execute("query { echo }")
        session = self.server.sessions[-1]
        named = [
            session.codec.decode(frame.data, frame.is_binary).join_ref is not None
            for frame in session.frames
            if not frame.is_sent
        ]
        version = "2.0.0" if "V2" in session.socket.serializer else "1.0.0"
        return f"vsn {version}, {'with' if all(named) else 'without'} join_ref"

    async def unsubscribed(self) -> str:
        """The program ends a subscription."""
        heard = await self.begin_listening()
        await self.side.unsubscribe(heard)
        is_over = await until(lambda: not self.say["subscriptions"]())
        return "is unsubscribed" if is_over else "goes on"

    async def malformed(self) -> str:
        """The document is no GraphQL."""
        await self.begin()
        name = str(await self.side.execute("query { "))
        return f"{name}, {'sent' if self.received('doc') else 'not sent'}"
