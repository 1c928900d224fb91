"""The options of one of a server's sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .channel import ServerChannel
from .connect import Connect

__all__ = ["Channels", "SocketOptions"]

Channels = Mapping[str, type[ServerChannel]]
"""Topic, or beginning of a topic and ``*`` -> the class of its channels."""


@dataclass(frozen=True, kw_only=True)
class SocketOptions:
    """What Phoenix's ``socket`` macro sets for one path.

    :ivar channels: the channels; the first pattern that fits a topic counts.
    :ivar connect: decides on a client's connecting; ``None`` takes all.
    :ivar timeout: seconds of the client's silence after which the server closes;
        ``None`` for never.
    :ivar max_frame_size: the most bytes of a client's frame.
    :ivar channel_limit: the most channels on a connection; ``None`` for no limit.
    :ivar compression: whether an offered permessage-deflate is taken.
    :ivar auth_token: whether an auth token is taken from the subprotocols, or from
        the header that long-poll has for it.
    :ivar websocket: whether there is a WebSocket.
    :ivar websocket_path: where it is, below the socket's path; a part that begins with
        a colon, as in ``"/:key"``, is a parameter of the connection.
    :ivar longpoll: whether there is long-poll.
    :ivar longpoll_path: where that is, likewise.
    :ivar longpoll_window: seconds that a poll waits for messages; a session ends if its
        client has not polled for one and a half of them.
    :ivar longpoll_pubsub_timeout: seconds that a request waits for its session to
        answer, which one that is gone does not.
    """

    channels: Channels = field(default_factory=dict)
    connect: Connect | None = None
    timeout: float | None = 60.0
    max_frame_size: int = 64_000_000
    channel_limit: int | None = 100
    compression: bool = False
    auth_token: bool = False
    websocket: bool = True
    websocket_path: str = "/websocket"
    longpoll: bool = True
    longpoll_path: str = "/longpoll"
    longpoll_window: float = 10.0
    longpoll_pubsub_timeout: float = 2.0

    def channel_for(self, topic: object) -> type[ServerChannel] | None:
        """The class of a topic's channels, ``None`` if no pattern fits it."""
        if not isinstance(topic, str):
            return None
        for pattern, channel_class in self.channels.items():
            prefix, star, _ = pattern.partition("*")
            if topic == pattern or (star and topic.startswith(prefix)):
                return channel_class
        return None
