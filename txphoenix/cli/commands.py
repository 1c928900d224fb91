"""The commands ``serve``, ``listen`` and ``push``.

Each is a coroutine function that takes the reactor, its arguments and the terminal, and
returns the exit code.
It is interrupted by being cancelled.
"""

from __future__ import annotations

import shlex
from argparse import Namespace
from functools import partial

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from ..channels.channel import Channel
from ..channels.echo_room import EchoRoom
from ..client.socket_client import SocketClient
from ..errors import JoinTimeout
from ..protocol.message import Message
from ..testing import PhoenixServer, demo_channels
from .options import connect, running_client
from .output import (
    OK,
    CommandError,
    OutputClosed,
    Terminal,
    message_as_json,
    response_as_json,
    this_program,
)
from .progress import RetryPolicy, follow, follow_channel

__all__ = ["run_listen", "run_push", "run_serve"]


# serve


async def run_serve(reactor: IReactorTime, args: Namespace, terminal: Terminal) -> int:
    """Serve the demonstration's channels until interrupted."""
    server = PhoenixServer(
        demo_channels(), port=args.port, interface=args.host, reactor=reactor
    )
    try:
        await server.start()
    except CannotListenError as error:
        reason = getattr(error.socketError, "strerror", None) or error.socketError
        raise CommandError(
            f"cannot listen on {args.host}:{args.port}: {reason}"
            " (--port 0 takes a free port)"
        ) from None
    try:
        # All at once: who reads no more than its beginning does not end the server.
        terminal.write("\n".join(_welcome(server.url)))
        await Deferred()
    except CancelledError:
        pass
    finally:
        await server.stop()
    return OK


def _welcome(url: str) -> list[str]:
    listen = shlex.join([*this_program(), "listen", url, "rooms:lobby"])
    push = shlex.join(
        [*this_program(), "push", url, "rooms:lobby", "new_msg", '{"body": "hi"}']
    )
    return [
        "A Phoenix server to try things out with; it is a demonstration server,",
        "not made for production.",
        "",
        f"  URL     {url}",
        "  topics  rooms:*  a chat room: new_msg goes to all who are in it",
        "          echo:*   replies to every event with its payload",
        "",
        "To try it, listen in a second terminal and push in a third:",
        "",
        f"  {listen}",
        f"  {push}",
        "",
        "Ctrl-C stops it.",
    ]


# push


async def run_push(reactor: IReactorTime, args: Namespace, terminal: Terminal) -> int:
    """Join, push, print the reply, leave."""
    async with running_client(reactor, args, terminal, reconnect=False) as client:
        # First, for a topic that can never be joined is a wrong command line.
        channel = client.channel(args.topic, args.join_params)
        await connect(client, args)
        await channel.join()
        if args.no_reply:
            channel.push_async(args.event, args.payload)
        else:
            response = await channel.push(args.event, args.payload)
            terminal.write_json(response_as_json(response))
        await channel.leave()
    return OK


# listen


async def run_listen(reactor: IReactorTime, args: Namespace, terminal: Terminal) -> int:
    """Join topics, and print each message until interrupted."""
    policy = RetryPolicy(args.reconnect)
    async with running_client(
        reactor, args, terminal, should_reconnect=policy
    ) as client:
        listening = _Listening(client, policy, args, terminal)
        stop_following = follow(client, terminal.tell)
        try:
            await listening.run()
        except CancelledError:
            pass
        finally:
            stop_following()
            await listening.leave()
    return OK


class _Listening:
    """Some topics that are listened to.

    :param client: the client, started.
    :param policy: says whether the client tries again.
    :param args: the command's arguments.
    """

    def __init__(
        self,
        client: SocketClient,
        policy: RetryPolicy,
        args: Namespace,
        terminal: Terminal,
    ) -> None:
        self._client = client
        self._policy = policy
        self._args = args
        self._wanted: int | None = args.count
        self._terminal = terminal
        self._ended: Deferred[None] = Deferred()
        self._channels: list[EchoRoom] = []
        self._joins: list[Deferred[None]] = []
        client.on_open(policy.opened)
        client.on_close(self._lost)

    async def run(self) -> None:
        """Listen until there is nothing more to listen to.

        :raises PhoenixError: a topic cannot be joined, or the connection is over.
        :raises CommandError: what came cannot be printed, or it was too little.
        """
        for topic in dict.fromkeys(self._args.topic):
            channel = self._client.channel(topic, self._args.join_params, EchoRoom)
            channel.forward_to(self._show)
            channel.on_close(partial(self._closed, channel))
            follow_channel(channel, self._terminal.tell)
            self._channels.append(channel)
        for channel in self._channels:
            join = Deferred.fromCoroutine(self._join(channel))
            self._joins.append(join.addErrback(self._fail))
        await self._ended

    async def leave(self) -> None:
        """Leave all topics."""
        for join in self._joins:
            join.cancel()
        for leave in [channel.leave() for channel in self._channels]:
            await leave

    async def _join(self, channel: Channel) -> None:
        while True:
            await connect(self._client, self._args)
            try:
                await channel.join()
                return
            except JoinTimeout:
                # Without a connection nobody was asked.
                if self._client.connected:
                    raise

    def _show(self, message: Message) -> None:
        if self._ended.called:
            return
        try:
            self._terminal.write_json(message_as_json(message))
        except (OutputClosed, CommandError) as error:
            self._ended.errback(error)
            return
        if self._wanted is not None:
            self._wanted -= 1
            if self._wanted == 0:
                self._ended.callback(None)

    def _closed(self, channel: EchoRoom, reason: object) -> None:
        # An error that ends a channel is that of its join, and is reported there.
        if reason != "closed" or self._ended.called:
            return
        self._channels.remove(channel)
        self._terminal.tell(f"{channel.topic} was closed by the server")
        if not self._channels and not self._wanted:
            self._ended.callback(None)
        elif not self._channels:
            self._ended.errback(
                CommandError(f"{self._wanted} of the wanted messages have not come")
            )

    def _lost(self, reason: Exception) -> None:
        if not self._policy(reason):
            self._fail(Failure(reason))

    def _fail(self, failure: Failure) -> None:
        if not self._ended.called:
            self._ended.errback(failure)
