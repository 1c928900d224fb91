"""The keyword arguments of an endpoint, for what makes one, and its usual reactor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, cast

from twisted.internet.interfaces import IReactorTime

from txphoenix.protocol.json_codecs import JSONCodec

from .codec import ServerCodec
from .connect import Connect

__all__ = ["EndpointOptions", "global_reactor"]


class EndpointOptions(TypedDict, total=False):
    """The keyword arguments of an endpoint, for those that pass them on."""

    path: str
    connect: Connect | None
    timeout: float | None
    max_frame_size: int
    channel_limit: int | None
    compression: bool
    auth_token: bool
    websocket: bool
    websocket_path: str
    longpoll: bool
    longpoll_path: str
    longpoll_window: float
    longpoll_pubsub_timeout: float
    flavour: str
    close_timeout: float
    keep_frames: bool
    json: JSONCodec | None
    serializers: Mapping[str, ServerCodec] | None


def global_reactor() -> IReactorTime:
    """The process's reactor, imported no sooner than it is needed."""
    from twisted.internet import reactor

    return cast(IReactorTime, reactor)
