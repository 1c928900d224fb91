"""Phoenix's server side for tests and demonstrations; not for production.

A server that speaks as real Phoenix servers were recorded to speak, by WebSocket and by
long-poll, with channels that are a few lines each, over TCP or in memory::

    from txphoenix import SocketClient
    from txphoenix.testing import PhoenixServer, Refused, ServerChannel, ok

    class Room(ServerChannel):
        def join(self, params):
            if "user_id" not in params:
                raise Refused({"reason": "unauthorized"})
            return {"welcome": params["user_id"]}

        def handle_in(self, event, payload):
            self.broadcast(event, payload)
            return ok()

    async def main():
        server = await PhoenixServer({"rooms:*": Room}).start()
        client = SocketClient(server.url)
        client.startService()
        response, channel = await client.join("rooms:lobby", {"user_id": 1})
        server.drop()                       # the client loses its connection ...
        await server.when_joined("rooms:lobby")   # ... and joins again
        await client.stopService()
        await server.stop()

:class:`MemoryServer` is the same in memory, on a :class:`twisted.internet.task.Clock`.
:class:`FaultProxy` stands between a client and a server over TCP and goes wrong on
command.
:class:`PhoenixMixin` gives them to trial's test cases, and
:mod:`txphoenix.testing.fixtures` to pytest.
:mod:`txphoenix.testing.tls` has a certificate for a server with TLS.
"""

from __future__ import annotations

from .cases import PhoenixMixin
from .channel import ServerChannel, UnhandledEvent
from .codec import CodecError, ServerCodec, ServerV1Codec, ServerV2Codec
from .connect import Refused, Socket
from .endpoint import Endpoint
from .frame import Frame
from .memory import MemoryConnection, MemoryEndpoint, MemoryServer
from .presence import PresenceChannel
from .proxy import FaultProxy
from .replies import Reply, error, ok, reply
from .rooms import ChatRoom, EchoChannel, demo_channels
from .server import PhoenixServer
from .session import ServerSession

__all__ = [
    "ChatRoom",
    "CodecError",
    "EchoChannel",
    "Endpoint",
    "FaultProxy",
    "Frame",
    "MemoryConnection",
    "MemoryEndpoint",
    "MemoryServer",
    "PhoenixMixin",
    "PhoenixServer",
    "PresenceChannel",
    "Refused",
    "Reply",
    "ServerChannel",
    "ServerCodec",
    "ServerSession",
    "ServerV1Codec",
    "ServerV2Codec",
    "Socket",
    "UnhandledEvent",
    "demo_channels",
    "error",
    "ok",
    "reply",
]
