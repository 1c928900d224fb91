"""Supabase Realtime's side for tests and demonstrations; not for production.

A project's Realtime as the server of supabase/realtime speaks, for versions 1.0.0 and
2.0.0 of the protocol: channels ``realtime:*`` with their config, ``postgres_changes``,
broadcasts as JSON and as bytes, presences, tokens that expire, limits, and broadcasts
by HTTP.
The database is the test: what it says of rows is what clients are told::

    from txphoenix.supabase.testing import SupabaseServer

    server = await SupabaseServer(tables={"public.todos": {"id": "int8"}}).start()
    ...                                       # a client of server.project_url
    server.insert("public", "todos", {"id": 1})
    server.send_broadcast("room", "shout", {"body": "hello"})
    server.expire("room")                     # the channels' tokens have run out
    server.drop()                             # their connections are gone
    await server.stop()

:class:`MemorySupabaseServer` is the same in memory, on a
:class:`twisted.internet.task.Clock`, whose time is the one by which tokens expire.
Both have the controls and waits of :class:`txphoenix.testing.Endpoint` too.
"""

from __future__ import annotations

from .channel import RealtimeServerChannel
from .codecs import SupabaseV1Codec, SupabaseV2Codec, UserBroadcast
from .project import Project
from .servers import MemorySupabaseServer, SupabaseServer
from .settings import Settings
from .tokens import make_token

__all__ = [
    "MemorySupabaseServer",
    "Project",
    "RealtimeServerChannel",
    "Settings",
    "SupabaseServer",
    "SupabaseV1Codec",
    "SupabaseV2Codec",
    "UserBroadcast",
    "make_token",
]
