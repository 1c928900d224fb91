"""A program of asyncio's: tasks that share a client, timeouts, and an outage.

Run it against a server of yours, or the demonstration server::

    python -m txphoenix serve                       # in another terminal
    python examples/asyncio_program.py ann
    python examples/asyncio_program.py ann wss://example.org/socket

You see this, and ``closed`` and ``connected`` once more when you restart the server::

    connected
    ann: tick 1
    ann: tick 2

Ctrl-C, or the end of ``--ticks``, cancels the tasks and closes the connection.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import sys

from txphoenix import ChannelClosed, PushError
from txphoenix.aio import connect
from txphoenix.errors import PhoenixError


async def listen(channel):
    """Print what is said, until the task is cancelled or the channel is closed."""
    async for message in channel:
        match message.event, message.payload:
            case "new_msg", {"user_id": user, "body": body}:
                print(f"{user}: {body}", flush=True)


async def tick(channel, pause, ticks):
    """Say something now and then; a push waits while there is no connection."""
    for number in range(1, ticks + 1) if ticks else itertools.count(1):
        try:
            async with asyncio.timeout(5):
                await channel.push("new_msg", {"body": f"tick {number}"})
        except TimeoutError:
            print(f"tick {number} was not answered", flush=True)
        except PushError as error:
            print(f"tick {number} was refused: {error.reason}", flush=True)
        await asyncio.sleep(pause)


async def main(args):
    """Run both until the last tick, or until the server closes the channel."""
    # The first failed attempt raises; later the client comes back by itself.
    async with connect(args.url, params={"user_id": args.user}) as client:
        print("connected", flush=True)
        client.on_close(lambda reason: print("closed:", reason, flush=True))
        client.on_open(lambda: print("connected", flush=True))
        _, channel = await client.join("rooms:lobby")
        listening = asyncio.create_task(listen(channel))
        await tick(channel, args.pause, args.ticks)
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError, ChannelClosed):
            await listening


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("user", nargs="?", default="ann")
    parser.add_argument("url", nargs="?", default="ws://localhost:4000/socket")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds")
    parser.add_argument("--ticks", type=int, help="by default without end")
    try:
        asyncio.run(main(parser.parse_args()))
    except KeyboardInterrupt:
        pass
    except ChannelClosed as error:
        sys.exit(f"no more ticks: {error}")
    except PhoenixError as error:
        sys.exit(f"not connected: {error}")
