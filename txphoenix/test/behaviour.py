"""What a client does, whatever carries its frames.

The tests of :mod:`.behaviour_connections` and :mod:`.behaviour_channels` know nothing
of the transport; :mod:`.test_behaviour` runs them over each of them.
Here is what they share.
The server is the application of :mod:`.recorded_app`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.defer import Deferred

from txphoenix import Channel, SocketClient

from .custom_serializers import SERVER_CODECS
from .recorded_app import CHANNELS, SOCKETS, connect
from .support import ClientTestCase, ScriptedServer

if TYPE_CHECKING:
    _TestCase = ClientTestCase
else:
    _TestCase = object

__all__ = ["ECHO", "ROOM", "BehaviourCase"]

ECHO = "echo:a"
ROOM = "room:lobby"


class BehaviourCase(_TestCase):
    """What the tests share, to be mixed with :class:`.support.ClientTestCase`.

    :cvar client_options: what makes the client take the transport.
    :cvar transport: what the server says that it is.
    :cvar vsn: the version of the wire format.
    :cvar flavour: the Phoenix that the server is like.
    """

    client_options: ClassVar[dict[str, Any]] = {}
    transport: ClassVar[str] = "websocket"
    vsn: ClassVar[str] = "2.0.0"
    flavour: ClassVar[str] = "1.8-bandit"

    def setUp(self) -> None:
        """Make the server."""
        super().setUp()
        self.memory = ScriptedServer(
            CHANNELS,
            connect=connect,
            flavour=self.flavour,
            serializers=SERVER_CODECS,
        )
        for path, changes in SOCKETS.items():
            self.memory.add_socket(path, **changes)
        self.clock = self.memory.clock

    # -- Doing things -------------------------------------------------------------

    def make_client(self, **options: Any) -> SocketClient:
        """A client of the transport."""
        return super().make_client(**{**self.client_options, **options})

    def joined(
        self, topic: str = ECHO, join_params: Any = None, **options: Any
    ) -> tuple[SocketClient, Channel]:
        """A new client, and a channel that it has joined."""
        client = self.connected_client(**options)
        channel = client.channel(topic, join_params)
        self.answered(channel.join())
        return client, channel

    def answered(self, deferred: Deferred[Any]) -> Any:
        """The result of a Deferred, or the error with which it fails."""
        outcome = self.watch(deferred)
        self.wait_until(lambda: outcome.fired)
        return outcome.fired[0]

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Let the time pass until something is so."""
        self.memory.wait_for(condition)

    def hear(self, channel: Channel, event: str) -> list[Any]:
        """Collect the payloads of an event."""
        heard: list[Any] = []
        channel.on(event, heard.append)
        return heard

    def is_back(self, *channels: Channel) -> None:
        """Wait until channels are joined again, on another connection."""
        self.wait_until(lambda: all(it.state == "errored" for it in channels))
        self.wait_until(lambda: all(it.state == "joined" for it in channels))
