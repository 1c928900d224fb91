"""What servers do to all, and what users do while something is in the way.

What is rare by itself is where the faults are: a push that waits for its join and is
cancelled, options that change while joins wait for their turn.
So there are troubles, and in each the user goes on as if there were none.
"""

from __future__ import annotations

from .topic import Topic
from .world import World

__all__ = ["DEEDS", "MEANWHILE", "TROUBLES", "meanwhile", "server_does"]

DEEDS = (
    *("kick", "drain", "drop", "stop", "start", "pause", "resume"),
    *("refuse", "take", "refuse_websocket", "deafen", "heal", "stall", "unstall"),
    *("hold_joins", "release_joins", "refuse_joins", "take_joins"),
    *("hold_connections", "release_connections"),
)
"""What a server, or what is before it, does to all."""

_SWITCHES = {
    "hold_joins": ("holds_joins", True),
    "refuse_joins": ("refuses_joins", True),
    "take_joins": ("refuses_joins", False),
    "deafen": ("is_deaf", True),
    "heal": ("is_deaf", False),
    "hold_connections": ("holds_connections", True),
}

TROUBLES = (
    *("outage", "outage", "joining", "joining", "joining"),
    *("no_websocket", "stalled", "paused", "none"),
)
"""What is in the way: no connection, joins that are not answered, or no bytes."""

MEANWHILE = (
    *(
        "push",
        "push",
        "push",
        "push",
        "push_async",
        "cancel",
        "cancel",
        "leave",
        "join",
    ),
    *("reconfigure", "stop_channel", "disconnect", "start", "writable", "stopped"),
    *("settled", "connected", "read", "wait", "push_raw", "push_raw"),
    *("start_channel", "start_channel"),
)
"""What a user does meanwhile."""

# So many seconds after a loss the client has tried again.
_BACK = 3.0
_SHORT = 0.4
# What has so many characters to itself fills a small buffer.
_LONG = 100


def server_does(world: World, deed: str) -> None:
    """Have the server do something to all."""
    server, link = world.server, world.link
    link.disturb()
    if deed == "kick":
        server.kick("someone")
    elif deed in ("drain", "drop", "stop", "start"):
        getattr(server, deed)()
    elif deed in ("pause", "resume", "release_joins", "release_connections"):
        if deed == "pause":
            link.is_deaf(world.clock.seconds())
        getattr(server, deed)()
    elif deed in ("refuse", "take", "refuse_websocket"):
        server.refuse(None if deed == "take" else 503)
        server.refuse(503 if deed == "refuse_websocket" else None, "websocket")
        if deed == "refuse_websocket":
            server.refuse(None)
    elif deed in ("stall", "unstall"):
        link.is_deaf(world.clock.seconds())
        server.is_stalled = deed == "stall"
    else:
        name, value = _SWITCHES[deed]
        setattr(server, name, value)


def meanwhile(world: World, trouble: str, deeds: list[tuple[str, int]]) -> None:
    """Have something be in the way, and the user do this and that meanwhile.

    :param deeds: each with the number of the topic that it is about.
    """
    if trouble == "outage":
        server_does(world, "stop")
        world.flush()
    elif trouble == "joining":
        server_does(world, "hold_joins")
        server_does(world, "drop")
        world.advance(_BACK)
    elif trouble == "no_websocket":
        server_does(world, "refuse_websocket")
        server_does(world, "drop")
        world.advance(_BACK)
    elif trouble in ("stalled", "paused"):
        server_does(world, "stall" if trouble == "stalled" else "pause")
    for deed, which in deeds:
        count = len(world.topics)
        _do(world, deed, world.topics[which % count], which >= count)
        world.check()


def _do(world: World, deed: str, topic: Topic, is_urgent: bool) -> None:
    """Have the user do something.

    :param is_urgent: whether it is a long push that has to be answered soon.
    """
    if deed == "push":
        timeout, size = (_SHORT, _LONG) if is_urgent else (None, 0)
        world.push(topic, "ok", timeout, size, False)
    elif deed == "push_async":
        world.push_async(topic)
    elif deed == "cancel":
        world.cancel(-1)
    elif deed in ("join", "wait"):
        if deed == "join":
            world.join(topic, None)
        else:
            world.advance(_SHORT)
    elif deed in ("leave", "stop_channel", "start_channel", "read", "push_raw"):
        getattr(world, deed)(topic)
    elif deed == "reconfigure":
        world.reconfigure(timeout=world.client.options.timeout + 1.0)
    elif deed in ("disconnect", "start"):
        getattr(world, deed)()
    else:
        world.ask(deed, topic)
