"""What a node's ``config.json`` says: a router, and bridges in containers or as guests.

``docs/howto-crossbar.rst`` explains these entries to those who write them by hand.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "PREFIX",
    "REALM",
    "Config",
    "bridge_container",
    "bridge_guest",
    "free_port",
    "node",
    "realm_url",
    "router",
]

REALM = "realm1"
PREFIX = "phx"

Config = dict[str, Any]

BRIDGE: list[Config] = [
    {
        "uri": f"{PREFIX}.",
        "match": "prefix",
        "allow": {"publish": True, "register": True, "call": True, "subscribe": True},
    },
    # The meta API: who subscribes to what, and who else is a bridge.
    {
        "uri": "wamp.",
        "match": "prefix",
        "allow": {"subscribe": True, "call": True},
    },
]
"""What a bridge has to be allowed."""

CLIENT: list[Config] = [
    {"uri": f"{PREFIX}.", "match": "prefix", "allow": {"subscribe": True}},
    {"uri": f"{PREFIX}.push", "match": "exact", "allow": {"call": True}},
    {"uri": f"{PREFIX}.presence", "match": "exact", "allow": {"call": True}},
    {"uri": f"{PREFIX}.topic.", "match": "prefix", "allow": {"call": True}},
]
"""What those are allowed who use it."""

PING: Config = {"auto_ping_interval": 1000, "auto_ping_timeout": 1000}
"""Milliseconds: the router drops a session whose process hangs for two seconds.

Other programs leave it more time; the tests wait for it.
"""

TESTER: list[Config] = [
    *CLIENT,
    {"uri": "wamp.", "match": "prefix", "allow": {"subscribe": True, "call": True}},
]
"""The same for tests, which look into the realm as well."""


def free_port() -> int:
    """A port of 127.0.0.1 that was free just now; Crossbar takes none for "any"."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def realm_url(port: int) -> str:
    """The URL of the router that listens on the port."""
    return f"ws://127.0.0.1:{port}/ws"


def node(
    workers: Sequence[Config], shutdown: Sequence[str] = ("shutdown_on_worker_exit",)
) -> Config:
    """A node.

    :param workers: its workers, the router first: those in containers do not wait for
        it.
    :param shutdown: on what the node ends by itself; Crossbar's default is the end of
        any worker.
    """
    return {
        "version": 2,
        "controller": {"options": {"shutdown": list(shutdown)}},
        "workers": list(workers),
    }


def router(ports: Mapping[str, int], options: Config | None = None) -> Config:
    """A router with one realm.

    :param ports: ``"bridge"`` and ``"client"``: who comes in there has that role.
    :param options: those of the transport for bridges.
    """
    permissions = {"bridge": BRIDGE, "client": TESTER}
    return {
        "type": "router",
        "id": "router",
        "realms": [
            {
                "name": REALM,
                "roles": [
                    {"name": role, "permissions": permissions[role]} for role in ports
                ],
            }
        ],
        "transports": [
            {
                "type": "websocket",
                "id": role,
                "endpoint": {"type": "tcp", "interface": "127.0.0.1", "port": port},
                "auth": {"anonymous": {"type": "static", "role": role}},
                "options": dict(options or {}) if role == "bridge" else {},
            }
            for role, port in ports.items()
        ],
    }


def bridge_container(
    name: str,
    port: int,
    extra: Config,
    **options: str,
) -> Config:
    """A bridge in a container.

    :param port: the router's, for bridges.
    :param extra: the bridge's own configuration.
    :param options: the container's; ``restart`` is ``"restart-always"`` if not given.
    """
    return {
        "type": "container",
        "id": name,
        "options": {"restart": "restart-always", **options},
        "components": [
            {
                "type": "class",
                "classname": "txphoenix.wamp.BridgeSession",
                "realm": REALM,
                "extra": extra,
                "transport": {
                    "type": "websocket",
                    "url": realm_url(port),
                    "endpoint": {"type": "tcp", "host": "127.0.0.1", "port": port},
                },
            }
        ],
    }


def bridge_guest(name: str, port: int, program: Path, *arguments: str) -> Config:
    """A bridge that is a program of its own, started by the node.

    :param program: it gets the router's URL, and then the arguments.
    """
    return {
        "type": "guest",
        "id": name,
        "executable": sys.executable,
        "arguments": ["-u", str(program), realm_url(port), *arguments],
        "options": {"env": {"inherit": True}},
    }
