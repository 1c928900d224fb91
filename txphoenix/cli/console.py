"""The command ``console``: a channel's life by hand.

A line is a command; what comes is printed as it comes.
Commands are carried out one after another, so that a file of them does what it says.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError, Namespace
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IReactorTime,
    ITransport,
)
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from zope.interface import implementer

from ..channels.echo_room import EchoRoom
from ..client.socket_client import SocketClient
from ..errors import PhoenixError
from ..legible import cut, escaped
from ..protocol.message import Message
from .options import connect, json_value, running_client
from .output import OK, Terminal, as_shown_json, payload_as_json, response_as_json
from .progress import RetryPolicy, follow, follow_channel

__all__ = ["Console", "run_console"]

# Keys of the client's state that say how it is doing, and not how it was made.
_STATE_KEYS = (
    "url",
    "status",
    "next_attempt_in",
    "joined_channels",
    "to_send",
    "dropped_frames",
    "stale_messages",
    "unrouted_messages",
)

_HELP = """\
join TOPIC [JSON]        join a topic, with these params
push TOPIC EVENT [JSON]  push an event, and print the reply
leave TOPIC              leave a topic
ping                     measure the round trip
state                    show the connection and the channels
quit                     leave everything and end; so does Ctrl-D"""


@contextmanager
def standard_io(console: Console) -> Iterator[None]:
    """Connect a console to standard input and output."""
    # Copies, since Twisted closes in the end what it is given.
    StandardIO(console, stdin=os.dup(0), stdout=os.dup(1))  # type: ignore[call-arg]
    try:
        yield
    finally:
        # Twisted needs them so, but the shell shares them with us.
        for descriptor in (0, 1, 2):
            with suppress(OSError):
                os.set_blocking(descriptor, True)


async def run_console(
    reactor: IReactorTime,
    args: Namespace,
    terminal: Terminal,
    connect_to: Callable[[Console], AbstractContextManager[None]] = standard_io,
) -> int:
    """Carry out commands until one is ``quit``, or there are no more.

    :param connect_to: connects the console to the user for a while.
    """
    policy = RetryPolicy()
    async with running_client(
        reactor, args, terminal, should_reconnect=policy
    ) as client:
        client.on_open(policy.opened)
        console = Console(client, terminal.is_interactive)
        tell = console.show if terminal.is_interactive else terminal.tell
        stop_following = follow(client, tell)
        try:
            await _use(console, connect(client, args), connect_to)
        except CancelledError:
            pass
        finally:
            stop_following()
    return OK


async def _use(
    console: Console,
    connecting: Coroutine[Any, Any, None],
    connect_to: Callable[[Console], AbstractContextManager[None]],
) -> None:
    connected = Deferred.fromCoroutine(connecting)
    if not console.is_interactive:
        # The first command may need the connection, and nobody is there to wait.
        await connected
    # A person may wait, look around or leave; but if the server refuses us, that is it.
    connected.addErrback(console.fail)
    with connect_to(console):
        try:
            await console.ended
        finally:
            connected.cancel()
            await console.close()


@implementer(IHalfCloseableProtocol)
class Console(LineOnlyReceiver):
    """A user at a terminal, or a file of commands.

    :param client: the client, started.
    :param is_interactive: whether to show a prompt.
    :ivar ended: a Deferred of None that fires when the user is done; it fails with the
        client's error if there will be no connection.
    """

    delimiter = b"\n"
    MAX_LENGTH = 1 << 20
    # It is none before the connection and after the loss.
    transport: ITransport | None = None

    def __init__(self, client: SocketClient, is_interactive: bool) -> None:
        self.is_interactive = is_interactive
        self._client = client
        self._prompt = "> " if is_interactive else ""
        # Goes back over the prompt, which then comes again below.
        self._clear = "\r\x1b[K" if is_interactive else ""
        self._lines: deque[str] = deque()
        self._is_working = False
        self._has_all_lines = False
        self._closed: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "help": self._help,
            "join": self._join,
            "leave": self._leave,
            "ping": self._ping,
            "push": self._push,
            "quit": self._quit,
            "state": self._state,
        }

    # -- What is printed ----------------------------------------------------------

    def show(self, text: str) -> None:
        """Print a line, and the prompt below it."""
        self.show_lines(escaped(text))

    def show_lines(self, text: str) -> None:
        """Print lines, and the prompt below them."""
        self._write(f"{self._clear}{text}\n{self._prompt}")

    def show_message(self, message: Message) -> None:
        """Print a message."""
        payload = as_shown_json(*payload_as_json("payload", message.payload).values())
        self.show(f"{cut(message.topic)} {cut(message.event)} {payload}")

    def fail(self, failure: Any) -> None:
        """End with an error."""
        if not self.ended.called:
            self.ended.errback(failure)

    async def close(self) -> None:
        """Leave all topics, and close the terminal once everything is written."""
        for leave in [channel.leave() for channel in self._client.channels]:
            await leave
        if self.transport is not None:
            if self._prompt:
                self._write("\n")
            self.transport.loseConnection()
            await self._closed

    def _write(self, text: str) -> None:
        if self.transport is not None:
            self.transport.write(text.encode("utf-8", "backslashreplace"))

    # -- What the terminal tells --------------------------------------------------

    def connectionMade(self) -> None:
        """Greet the user."""
        if self._prompt:
            self.show("help lists the commands")

    def lineReceived(self, line: bytes) -> None:
        """Take a command; it waits until those before it are done."""
        self._lines.append(line.decode("utf-8", "replace").strip())
        self._work()

    def readConnectionLost(self) -> None:
        """Take note that there are no more commands."""
        self._has_all_lines = True
        if self._buffer:
            rest, self._buffer = self._buffer, b""
            self.lineReceived(rest)
        self._work()

    def writeConnectionLost(self) -> None:
        """End: nobody reads what is printed."""
        self._end()

    def connectionLost(self, reason: Any = None) -> None:
        """End: the terminal is gone."""
        self.transport = None
        self._end()
        self._closed.callback(None)

    def _end(self) -> None:
        if not self.ended.called:
            self.ended.callback(None)

    # -- The commands -------------------------------------------------------------

    def _work(self) -> None:
        if not self._is_working:
            self._is_working = True
            Deferred.fromCoroutine(self._carry_out_all()).addErrback(self.fail)

    async def _carry_out_all(self) -> None:
        while self._lines and not self.ended.called:
            await self._carry_out(self._lines.popleft())
        self._is_working = False
        if self._has_all_lines:
            self._end()

    async def _carry_out(self, line: str) -> None:
        name, _, arguments = line.partition(" ")
        command = self._commands.get(name)
        try:
            if command is not None:
                await command(arguments.strip())
            elif name:
                self.show(f"error: there is no command {name!r}; help lists them")
            else:
                self._write(self._prompt)
        except (_WrongArguments, PhoenixError) as error:
            self.show(f"error: {error}")

    async def _help(self, _arguments: str) -> None:
        self.show_lines(_HELP)

    async def _join(self, arguments: str) -> None:
        topic, params = _split(arguments, "join TOPIC [JSON]", 1)
        channel = self._client.channel(topic, params, EchoRoom)
        channel.forward_to(self.show_message)
        follow_channel(channel, self.show)
        response = await channel.join()
        channel.on_close(lambda reason: self.show(cut(f"{topic} {reason}")))
        self.show(f"ok {as_shown_json(response_as_json(response))}")

    async def _push(self, arguments: str) -> None:
        topic, event, payload = _split(arguments, "push TOPIC EVENT [JSON]", 2, {})
        channel = self._client.channels.find(topic)
        if channel is None:
            raise _WrongArguments(f"{topic} is not joined")
        response = await channel.push(event, payload)
        self.show(f"ok {as_shown_json(response_as_json(response))}")

    async def _leave(self, arguments: str) -> None:
        (topic, _) = _split(arguments, "leave TOPIC", 1)
        await self._client.leave(topic)

    async def _ping(self, _arguments: str) -> None:
        round_trip = await self._client.ping()
        self.show(f"{round_trip * 1000:.1f} ms")

    async def _state(self, _arguments: str) -> None:
        state = self._client.get_state()
        self.show_lines(
            as_shown_json({key: state[key] for key in _STATE_KEYS}, indent=2)
        )

    async def _quit(self, _arguments: str) -> None:
        self._end()


class _WrongArguments(Exception):
    """A command was given what it cannot use."""


def _split(
    arguments: str, usage: str, words: int, default: Any = None
) -> tuple[Any, ...]:
    """The words of a command, and the JSON after them."""
    parts: list[Any] = arguments.split(None, words)
    if len(parts) < words:
        raise _WrongArguments(f"expected: {usage}")
    if len(parts) == words:
        return (*parts, default)
    try:
        return (*parts[:-1], json_value(parts[-1]))
    except ArgumentTypeError as error:
        raise _WrongArguments(str(error)) from None
