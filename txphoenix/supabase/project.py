"""What the channels of one client have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from txphoenix.interfaces import JSONCodec

from .http import BroadcastSender
from .tokens import AccessToken

__all__ = ["Project"]


@dataclass(frozen=True, repr=False)
class Project:
    """What the channels of one client have in common.

    :ivar token: the access token.
    :ivar http: sends broadcasts by HTTP.
    :ivar timeout: returns the client's ``timeout``.
    :ivar json: encodes broadcasts; None for version 1.0.0, which has no frames for
        them.
    """

    token: AccessToken
    http: BroadcastSender
    timeout: Callable[[], float]
    json: JSONCodec | None
