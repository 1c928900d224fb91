"""txphoenix in a program that is asyncio's.

::

    import asyncio
    from txphoenix.aio import connect

    async def main():
        async with connect("ws://localhost:4000/socket") as client:
            response, channel = await client.join("rooms:lobby")
            print(await channel.push("new_msg", {"body": "hello"}))

    asyncio.run(main())

:func:`connect` sees to Twisted's reactor itself, on whatever loop runs: asyncio's own
or uvloop's, a loop of a framework's, and one after the other where ``asyncio.run`` is
called again.
What can be awaited is awaited by tasks, functions that the client is given may be
coroutine functions which await what asyncio has, and errors are those of
:mod:`txphoenix.errors`, beside asyncio's ``CancelledError``.
"""

from __future__ import annotations

from .channel import Channel, ChannelFactory
from .channels import Channels
from .client import Client, connect
from .futures import wait
from .option_types import ChangedOptions, ClientOptions
from .presence import Presence
from .python_log import PythonLog
from .reactor import install, running_reactor

__all__ = [
    "ChangedOptions",
    "Channel",
    "ChannelFactory",
    "Channels",
    "Client",
    "ClientOptions",
    "Presence",
    "PythonLog",
    "connect",
    "install",
    "running_reactor",
    "wait",
]
