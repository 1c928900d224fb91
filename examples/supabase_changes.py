r"""The changes of a table of a Supabase project, and messages of others who follow it.

Run it, with a server of its own, or as a client of your project::

    python examples/supabase_changes.py
    SUPABASE_URL=https://ref.supabase.co SUPABASE_KEY=sb_publishable_... \
        python examples/supabase_changes.py todos

You see, among other lines::

    server: Subscribed to PostgreSQL
    INSERT  {'id': 1, 'title': 'write', 'done': False}
    heard: shout {'body': 'hello'}
    joined again, with a fresh token
"""

from __future__ import annotations

import os
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from txphoenix.errors import PhoenixError
from txphoenix.supabase import Broadcast, PostgresChange, RealtimeClient
from txphoenix.supabase.testing import SupabaseServer

TOPIC = "todos-followers"


def show_change(change: PostgresChange) -> None:
    """A row of the table has changed."""
    print(change.type, change.old or "", change.new or "")


def show_broadcast(broadcast: Broadcast) -> None:
    """Another program has said something."""
    print("heard:", broadcast.event, broadcast.payload)


async def follow(client: RealtimeClient, table: str) -> Any:
    """Subscribe to the changes of a table."""
    channel = client.channel(TOPIC, receive_own=True, ack=True)
    listening: Deferred[None] = Deferred()

    def said(message: Any) -> None:
        print("server:", message.message)
        if message.message == "Subscribed to PostgreSQL" and not listening.called:
            listening.callback(None)

    channel.on_system(said)
    channel.on_error(lambda error: print("error:", error))
    channel.on_postgres_changes(table=table, function=show_change)
    channel.on_broadcast("*", show_broadcast)
    channel.on_presence_sync(lambda: print("present:", len(channel.presence_state)))
    await channel.subscribe()
    # The join is answered before the database is listened to.
    await listening
    await channel.track({"program": "supabase_changes"})
    return channel


async def show(reactor: Any) -> None:
    """Show it with a server of its own."""
    tables = {"public.todos": {"id": "int8", "title": "text", "done": "bool"}}
    server = await SupabaseServer(tables=tables).start()
    client = RealtimeClient(
        server.project_url, server.publishable_key, lambda: server.token(sub="ann")
    )
    client.startService()
    channel = await follow(client, "todos")
    row = {"id": 1, "title": "write", "done": False}
    server.insert("public", "todos", row)
    server.update("public", "todos", {**row, "done": True}, {"id": 1})
    await channel.send_broadcast("shout", {"body": "hello"})
    await channel.send_http("bytes", b"\x00\x01")
    server.expire(TOPIC)
    for is_joined in (False, True):
        while channel.is_joined != is_joined:
            await deferLater(reactor, 0.01)
    print("joined again, with a fresh token")
    await client.stopService()
    await server.stop()


async def run(reactor: Any) -> None:
    """Follow a table of a project until the program is stopped."""
    url, key = os.environ.get("SUPABASE_URL"), os.environ.get("SUPABASE_KEY")
    if not url or not key:
        await show(reactor)
        return
    try:
        client = RealtimeClient(url, key, os.environ.get("SUPABASE_TOKEN"))
        client.startService()
        reactor.addSystemEventTrigger("before", "shutdown", client.stopService)
        await follow(client, sys.argv[1] if sys.argv[1:] else "todos")
    except PhoenixError as error:
        sys.exit(f"not following: {error}")
    await Deferred()


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(print(__doc__))
    # Who follows it through a pipe sees each line at once.
    sys.stdout.reconfigure(line_buffering=True)
    react(run)
