"""Supabase Realtime: changes of the database, broadcasts, and who is present.

::

    from txphoenix.supabase import RealtimeClient

    client = RealtimeClient("https://ref.supabase.co", "sb_publishable_...")
    client.startService()
    channel = client.channel("room")
    channel.on_postgres_changes("INSERT", table="todos", function=print)
    channel.on_broadcast("shout", print)
    await channel.subscribe()
    await channel.send_broadcast("shout", {"body": "hello"})

A server for tests is in :mod:`txphoenix.supabase.testing`.
"""

from __future__ import annotations

from .changes import PostgresChange
from .channel import RealtimeChannel
from .client import RealtimeClient
from .config import ChannelConfig
from .errors import (
    MalformedMessage,
    SendError,
    SendTimeout,
    SubscribeError,
    SystemMessageError,
)
from .messages import Broadcast, SystemMessage

__all__ = [
    "Broadcast",
    "ChannelConfig",
    "MalformedMessage",
    "PostgresChange",
    "RealtimeChannel",
    "RealtimeClient",
    "SendError",
    "SendTimeout",
    "SubscribeError",
    "SystemMessage",
    "SystemMessageError",
]
