"""What a Supabase project is set to: keys, tables, policies and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

__all__ = ["Policy", "Settings", "SettingsOptions", "Tables"]

Policy = Callable[[Mapping[str, Any], str, str], bool]
"""``policy(claims, topic, action)``: whether who has a token of these claims may do it.

The topic is without ``realtime:``; the action is ``"broadcast.read"``,
``"broadcast.write"``, ``"presence.read"`` or ``"presence.write"``.
A database has row level security of ``realtime.messages`` for it.
"""

Tables = Mapping[str, Mapping[str, str]]
"""``"schema.table"`` -> its columns, each with its type, as in ``{"id": "int8"}``."""


def _allow(claims: Mapping[str, Any], topic: str, action: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a project; the limits' defaults are those of a free one.

    :ivar jwt_secret: what tokens are signed with.
    :ivar publishable_key: the key that stands for the role ``anon``, as the gateway
        before the server takes it.
    :ivar tables: the tables that are published; ``None`` publishes any, whose columns
        are then guessed of each row.
    :ivar policy: decides on private channels.
    :ivar private_only: whether public channels are refused.
    :ivar max_joins_per_second: joins, of all clients; more are refused, and the
        connection is ended.
    :ivar max_events_per_second: broadcasts, of all clients; more end the channels that
        get them.
    :ivar max_channels_per_client: channels on one connection.
    :ivar max_concurrent_users: connections with a channel.
    :ivar max_payload_size: bytes of a broadcast or presence.
    :ivar max_client_presence_events: presence pushes of one channel in
        ``client_presence_window`` seconds; one more ends the channel.
    :ivar client_presence_window: those seconds.
    :ivar error_delay: seconds that a refused join waits for its reply; the server's own
        default is 5.
    :ivar resubscribe_delay: seconds after a new token until the database is subscribed
        to again; the server takes one to three at random.
    :ivar retry_delay: seconds after a database's fault until it is tried again; the
        server takes five to ten at random.
    """

    jwt_secret: str = "super-secret-jwt-token-with-at-least-32-characters-long"
    publishable_key: str = "sb_publishable_for-tests"
    tables: Tables | None = None
    policy: Policy = field(default_factory=lambda: _allow)
    private_only: bool = False
    max_joins_per_second: int = 100
    max_events_per_second: int = 100
    max_channels_per_client: int = 100
    max_concurrent_users: int = 200
    max_payload_size: int = 256_000
    max_client_presence_events: int = 5
    client_presence_window: float = 30.0
    error_delay: float = 0.0
    resubscribe_delay: float = 1.0
    retry_delay: float = 5.0


class SettingsOptions(TypedDict, total=False):
    """The settings as keyword arguments: see :class:`Settings`."""

    jwt_secret: str
    publishable_key: str
    tables: Tables | None
    policy: Policy
    private_only: bool
    max_joins_per_second: int
    max_events_per_second: int
    max_channels_per_client: int
    max_concurrent_users: int
    max_payload_size: int
    max_client_presence_events: int
    client_presence_window: float
    error_delay: float
    resubscribe_delay: float
    retry_delay: float
