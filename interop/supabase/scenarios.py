"""What both clients do side by side, over both versions of the protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ..official import OURS
from ..script import (
    WEBSOCKET,
    Difference,
    Scenario,
    Step,
    binary,
    only,
    received,
    replied,
    sent,
    serve,
    shown,
    until,
)
from .script import TOKENS, act, channel, subscribed, wait

__all__ = ["SCENARIOS"]

ALL = ("broadcast", {"event": "*"})
TODOS = {"event": "*", "schema": "public", "table": "todos"}
NOTES = {"event": "INSERT", "schema": "public", "table": "notes"}
CHANGES = ("postgres_changes", TODOS)
SYSTEM: tuple[str, dict[str, Any]] = ("system", {})
SYNC = ("presence", {"event": "sync"})
ROOM = "realtime:room"


def connected(token: str | None = "ann", socket: str = "main") -> Step:
    """The client is made; the version is put in for each."""
    return act(("connect", socket, "VSN", TOKENS[token] if token else None))


def row(id: int, title: str = "write") -> dict[str, Any]:
    """A row of the table ``todos``."""
    return {"id": id, "title": title, "is_done": False}


def scenario(
    name: str, title: str, *steps: Step, difference: Difference | None = None
) -> Scenario:
    """A scenario over a WebSocket."""
    return Scenario(name, title, steps, over=WEBSOCKET, difference=difference)


TRACK = {"event": "track", "payload": {"n": 1}, "type": "presence"}
CAME = {
    "joins": {"ann": {"metas": [{"n": 1, "phx_ref": "presence 2"}]}},
    "leaves": {},
}
UNREADABLE = {
    "reason": "Unauthorized: You do not have permissions to read from this Channel "
    "topic: room"
}


def _join(ref: str, who: str, private: bool = False, **more: Any) -> str:
    """The line of a join of the channel ``room`` that asks for nothing else."""
    config = {
        "broadcast": {"ack": False, "self": False},
        "postgres_changes": [],
        "presence": {"enabled": False, "key": ""},
        "private": private,
    }
    payload = {"access_token": f"token of {who}", "config": config, **more}
    return sent(ref, ref, ROOM, "phx_join", payload)


BOTH_VERSIONS = (
    scenario(
        "join-and-leave",
        "A channel is subscribed to and left.",
        connected(),
        *subscribed("a"),
        act(("unsubscribe", "a", "leave")),
        wait("outcome", "leave"),
    ),
    scenario(
        "join-with-the-key",
        "A channel is subscribed to without a token.",
        connected(None),
        *subscribed("a"),
    ),
    scenario(
        "join-private",
        "A private channel is subscribed to.",
        connected(),
        *subscribed("a", private=True),
    ),
    scenario(
        "join-with-changes",
        "A channel listens to two tables.",
        connected(),
        *subscribed("a", CHANGES, ("postgres_changes", NOTES), SYSTEM),
        wait("heard", "a", 1),
    ),
    scenario(
        "two-channels",
        "Two channels of one client are subscribed to in one turn.",
        connected(),
        act(
            channel("a"),
            ("channel", "b", "hall", {}, [], "main"),
            ("subscribe", "a", None),
            ("subscribe", "b", None),
        ),
        wait("subscribed", "a", 1),
        wait("subscribed", "b", 1),
    ),
    scenario(
        "changes",
        "Rows are inserted, changed and deleted.",
        connected(),
        *subscribed("a", CHANGES, SYSTEM),
        wait("heard", "a", 1),
        serve("insert", "public", "todos", row(1)),
        serve("update", "public", "todos", row(1, "sent"), {"id": 1}),
        serve("delete", "public", "todos", {"id": 1}),
        serve("insert", "public", "notes", {"id": 1}),
        wait("heard", "a", 4),
    ),
    scenario(
        "broadcast",
        "JSON is broadcast, and heard by the sender too.",
        connected(),
        *subscribed("a", ALL, broadcast={"ack": False, "self": True}),
        act(("send", "a", "shout", {"n": 1}, "send")),
        wait("heard", "a", 1),
    ),
    scenario(
        "broadcast-with-ack",
        "JSON is broadcast and acknowledged.",
        connected(),
        *subscribed("a", broadcast={"ack": True, "self": False}),
        act(("send", "a", "shout", {"n": 1}, "send")),
        wait("outcome", "send"),
    ),
    scenario(
        "broadcast-refused",
        "A broadcast that may not be sent is refused.",
        connected(),
        serve("deny", "room", "broadcast.write"),
        *subscribed("a", private=True, broadcast={"ack": True, "self": False}),
        act(("send", "a", "shout", {"n": 1}, "send")),
        wait("outcome", "send"),
    ),
    scenario(
        "broadcast-of-the-database",
        "The database broadcasts, with an id.",
        connected(),
        *subscribed("a", ALL),
        serve("send", "room", "INSERT", {"n": 1}, False, {"id": "7"}),
        wait("heard", "a", 1),
    ),
    scenario(
        "send-by-http",
        "A broadcast is sent by HTTP, and heard.",
        connected(),
        *subscribed("a", ALL),
        act(("send_http", "a", "shout", {"n": 1}, "send")),
        wait("outcome", "send"),
        wait("heard", "a", 1),
    ),
    scenario(
        "presence",
        "A client is present, changes, and goes.",
        connected(),
        *subscribed("a", SYNC, presence={"key": "ann"}),
        act(("track", "a", {"n": 1}, "track")),
        wait("outcome", "track"),
        act(("track", "a", {"n": 2}, "again")),
        wait("outcome", "again"),
        act(("untrack", "a", "untrack")),
        wait("outcome", "untrack"),
    ),
    scenario(
        "new-token",
        "A new token is told to a joined channel.",
        connected(),
        *subscribed("a"),
        act(("set_auth", "main", TOKENS["bob"])),
        until(["bob"], "subjects", ROOM),
    ),
    scenario(
        "reconnect",
        "The connection is lost, and the channel joined again.",
        connected(),
        *subscribed("a", CHANGES, SYSTEM),
        wait("heard", "a", 1),
        serve("drop"),
        wait("subscribed", "a", 2),
        wait("heard", "a", 2),
        serve("insert", "public", "todos", row(1)),
        wait("heard", "a", 3),
    ),
    scenario(
        "reconnect-with-a-new-token",
        "A token is told, the connection lost, and the channel joined with the token.",
        connected(),
        *subscribed("a"),
        act(("set_auth", "main", TOKENS["bob"])),
        until(["bob"], "subjects", ROOM),
        serve("drop"),
        wait("subscribed", "a", 2),
        until(["bob"], "subjects", ROOM),
        difference=Difference(
            "interop-supabase-version",
            (_join("3", "bob", version="realtime-js/2.119.1"),),
            (_join("3", "bob"),),
        ),
    ),
    scenario(
        "token-runs-out",
        "The token runs out, the server ends the channel, and there is a new token.",
        connected(),
        *subscribed("a", SYSTEM),
        serve("expire", "room"),
        wait("heard", "a", 1),
        act(("set_auth", "main", TOKENS["bob"])),
        only(OURS, wait("subscribed", "a", 2)),
        difference=Difference(
            "interop-supabase-closed",
            (),
            (
                _join("2", "bob"),
                replied("2", "2", ROOM, {"postgres_changes": []}),
            ),
        ),
    ),
    scenario(
        "reconnect-with-a-presence",
        "The connection of a client that is present is lost.",
        connected(),
        *subscribed("a", SYNC, presence={"key": "ann"}),
        act(("track", "a", {"n": 1}, "track")),
        wait("outcome", "track"),
        serve("drop"),
        wait("subscribed", "a", 2),
        difference=Difference(
            "interop-supabase-presence",
            (),
            (
                sent("3", "4", ROOM, "presence", TRACK),
                received(None, None, ROOM, "presence_diff", CAME),
                replied("3", "4", ROOM, {}),
                f"a hears presence {shown([{'ann': [{'n': 1}]}])}",
            ),
        ),
    ),
    scenario(
        "send-before-the-join",
        "A broadcast is sent while the channel is not joined, and goes by HTTP.",
        connected(None, "other"),
        *subscribed("b", ALL, socket="other"),
        connected(),
        act(channel("a"), ("send", "a", "shout", {"n": 1}, "send")),
        wait("outcome", "send"),
        wait("heard", "b", 1),
    ),
    scenario(
        "join-refused",
        "A first join is refused.",
        connected(),
        serve("deny", "room", "broadcast.read"),
        serve("deny", "room", "presence.read"),
        act(channel("a", private=True), ("subscribe", "a", "join")),
        wait("outcome", "join"),
        only("supabase-js", until(2, "joins")),
        difference=Difference(
            "interop-supabase-first-join",
            (
                _join("2", "ann", private=True),
                replied("2", "2", ROOM, UNREADABLE, "error"),
            ),
        ),
    ),
    scenario(
        "database-refuses",
        "A table that is not published is told by a system message.",
        connected(),
        *subscribed("a", ("postgres_changes", {**TODOS, "table": "none"}), SYSTEM),
        wait("heard", "a", 1),
    ),
)

VERSION_2 = (
    scenario(
        "broadcast-bytes",
        "Bytes are broadcast, acknowledged, and heard by the sender too.",
        connected(),
        *subscribed("a", ALL, broadcast={"self": True, "ack": True}),
        act(("send", "a", "raw", binary(b"\x00\x01\xfe\xff"), "send")),
        wait("outcome", "send"),
        wait("heard", "a", 1),
    ),
    scenario(
        "bytes-of-the-database",
        "The database broadcasts bytes.",
        connected(),
        *subscribed("a", ALL),
        serve("send", "room", "raw", binary(b"\x00\xff")),
        wait("heard", "a", 1),
    ),
)


def _of_version(vsn: str, each: Scenario) -> Scenario:
    """A scenario with the version put in."""
    steps = tuple(
        step._replace(words=tuple(_with_version(vsn, it) for it in step.words))
        for step in each.steps
    )
    difference = each.difference
    if vsn == "1.0.0" and difference is not None:
        _, *both = difference
        theirs, ours = (tuple(map(_without_join_ref, lines)) for lines in both)
        difference = difference._replace(official=theirs, txphoenix=ours)
    return replace(each, name=f"{each.name}-{vsn}", steps=steps, difference=difference)


def _without_join_ref(line: str) -> str:
    """A line as version 1.0.0 has it, whose server names no join."""
    who, _, parts = line.partition(" ")
    if who != "S<":
        return line
    return received(None, *json.loads(parts)[1:])


def _with_version(vsn: str, word: Any) -> Any:
    if isinstance(word, tuple):
        return tuple(vsn if part == "VSN" else part for part in word)
    return word


SCENARIOS = (
    *(_of_version("2.0.0", each) for each in (*BOTH_VERSIONS, *VERSION_2)),
    *(_of_version("1.0.0", each) for each in BOTH_VERSIONS),
)
"""All scenarios."""
