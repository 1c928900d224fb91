"""The commands of the console: how they are written, and what each of them does.

A line is a command, its words, and where the command takes it, JSON to the end.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..channels.echo_room import EchoRoom
from ..client.socket_client import SocketClient
from ..legible import cut, legible
from ..protocol.message import Message
from .json_text import WrongJSON, find_stray, read_json
from .output import as_shown_json, payload_as_json, response_as_json
from .progress import follow_channel

__all__ = [
    "COMMANDS",
    "Call",
    "Command",
    "Commands",
    "Screen",
    "WrongCall",
    "read_call",
]

# Keys of the client's state that say how it is doing, and not how it was made.
_STATE_KEYS: Final = (
    "url",
    "status",
    "next_attempt_in",
    "joined_channels",
    "to_send",
    "dropped_frames",
    "stale_messages",
    "unrouted_messages",
)


@dataclass(frozen=True)
class Command:
    """What a user may call.

    :ivar name: its first word.
    :ivar words: the names of the words after it.
    :ivar optional: how many of these may be left out.
    :ivar json: what the JSON at its end is called, or an empty text if there is none.
    :ivar options: what may stand before the words.
    :ivar summary: what it does, in a few words.
    :ivar details: more of it, in lines.
    """

    name: str
    summary: str
    details: str
    words: tuple[str, ...] = ()
    optional: int = 0
    json: str = ""
    options: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """How it is written."""
        needed = len(self.words) - self.optional
        return " ".join(
            [
                self.name,
                *(f"[{option}]" for option in self.options),
                *self.words[:needed],
                *(f"[{word}]" for word in (*self.words[needed:], self.json) if word),
            ]
        )


_ALL: Final = (
    Command(
        "join",
        "join a topic, with these params",
        """\
Joins a topic, and prints what the server says to it.
From then on its messages are printed: topic, event and payload.
After a loss of the connection it is joined again by itself, with the same params.
example: join rooms:lobby {"user_id": "ann"}""",
        words=("TOPIC",),
        json="JSON",
    ),
    Command(
        "push",
        "push an event, and print the reply",
        """\
Pushes an event to a joined topic, with JSON of any kind, {} if it is left out.
The response of an ok reply is printed; any other reply, or none in time, is an error.
--no-reply: do not wait for a reply, for an event that the server does not reply to.
example: push rooms:lobby new_msg {"body": "hi"}""",
        words=("TOPIC", "EVENT"),
        json="JSON",
        options=("--no-reply",),
    ),
    Command(
        "leave",
        "leave a topic",
        """\
Leaves a topic, whose messages then come no more.
example: leave rooms:lobby""",
        words=("TOPIC",),
    ),
    Command(
        "ping",
        "measure the round trip",
        "Sends a heartbeat, and prints how long the server's answer took.",
    ),
    Command(
        "state",
        "show the connection and the channels",
        "Prints what the client knows of its connection and channels, without secrets.",
    ),
    Command(
        "help",
        "list the commands, or explain one of them",
        "Lists the commands, or explains one of them.\nexample: help push",
        words=("COMMAND",),
        optional=1,
    ),
    Command(
        "quit",
        "leave everything and end; so does Ctrl-D",
        "Leaves all topics, closes the connection and ends.",
    ),
)

COMMANDS: Final = {command.name: command for command in _ALL}
"""The commands by name, in the order in which the help has them."""

_WIDTH: Final = max(len(command.usage) for command in _ALL) + 2


@dataclass(frozen=True)
class Call:
    """A command as it was called.

    :ivar options: those that were given.
    :ivar json: the JSON's value, or None.
    :ivar has_json: whether there was any.
    """

    command: Command
    options: tuple[str, ...]
    words: tuple[str, ...]
    json: Any
    has_json: bool


class WrongCall(Exception):
    """A line is no call of a command.

    :ivar at: the index of the character that is wrong.
    :ivar is_cut_short: whether more lines may mend it.
    :ivar has_more: whether it is a call up to there, and has more behind it.
    """

    def __init__(
        self,
        text: str,
        at: int = 0,
        is_cut_short: bool = False,
        has_more: bool = False,
    ) -> None:
        super().__init__(text)
        self.at = at
        self.is_cut_short = is_cut_short
        self.has_more = has_more


def read_call(line: str) -> Call | None:
    """Read a line; its command may begin with a slash.

    :return: None for a line without a command: a blank one, or a comment (``#``).
    :raises WrongCall: it is no call of a command.
    """
    # Only the words are looked for: what comes behind them may be long.
    rest = re.finditer(r"\S+", line)
    found = next(rest, None)
    if found is None or found[0].startswith("#"):
        return None
    name = found[0].removeprefix("/")
    command = COMMANDS.get(name)
    if command is None:
        text = f"there is no command {legible(name)}; help lists them"
        raise WrongCall(text, found.start())
    stray = find_stray(line)
    if stray is not None:
        at, text = stray
        raise WrongCall(text, at)
    found = next(rest, None)
    options = []
    while found and command.options and found[0].startswith("--"):
        if found[0] not in command.options:
            text = f"{name} has no option {cut(found[0])}; expected: {command.usage}"
            raise WrongCall(text, found.start())
        options.append(found[0])
        found = next(rest, None)
    words: list[str] = []
    while found and len(words) < len(command.words):
        words.append(found[0])
        found = next(rest, None)
    if len(words) < len(command.words) - command.optional:
        raise WrongCall(f"expected: {command.usage}", len(line))
    if found and not command.json:
        raise WrongCall(f"expected: {command.usage}", found.start())
    value = _read_json(line, found.start()) if found else None
    return Call(command, tuple(options), tuple(words), value, found is not None)


def _read_json(line: str, start: int) -> Any:
    try:
        return read_json(line[start:])
    except WrongJSON as error:
        text = f"expected JSON: {error.problem}"
        if error.at is None:
            raise WrongCall(text, start) from None
        at = start + error.at
        row, column = line.count("\n", 0, at) + 1, at - line.rfind("\n", 0, at)
        place = f"line {row}, column {column}" if "\n" in line else f"column {column}"
        raise WrongCall(
            f"{text} at {place}", at, error.is_cut_short, error.has_more
        ) from None


class Screen(Protocol):
    """Where a command prints.

    The kind of what it prints is ``"message"``, ``"reply"``, ``"note"`` or ``"text"``.
    """

    def show(self, text: str, kind: str = "note") -> None:
        """Print a line, whatever is in it."""

    def show_lines(self, text: str, kind: str = "text") -> None:
        """Print lines of our own."""


class Commands:
    """Carries out commands.

    :param client: the client, started.
    :param screen: where they print.
    :param end: what ``quit`` does.
    :param tell_which: whether a reply is printed with what it is for, since several
        may be waited for.
    :param saw: is told of each topic and event, and whether it is the user's.
    :ivar outstanding_pushes: how many pushes wait for their replies.
    """

    def __init__(
        self,
        client: SocketClient,
        screen: Screen,
        end: Callable[[], None],
        tell_which: bool = False,
        saw: Callable[[str, str | None, bool], object] = lambda *_: None,
    ) -> None:
        self.outstanding_pushes = 0
        self._client = client
        self._screen = screen
        self._end = end
        self._tell_which = tell_which
        self._saw = saw
        self._functions: dict[str, Callable[[Call], Awaitable[None]]] = {
            "help": self._help,
            "join": self._join,
            "leave": self._leave,
            "ping": self._ping,
            "push": self._push,
            "quit": self._quit,
            "state": self._state,
        }

    async def carry_out(self, call: Call) -> None:
        """Do what a command does, and print what comes of it.

        :raises WrongCall: it cannot be done as it is.
        :raises PhoenixError: it has failed.
        """
        await self._functions[call.command.name](call)

    def show_message(self, message: Message) -> None:
        """Print a message."""
        self._saw(message.topic, message.event, False)
        payload = as_shown_json(*payload_as_json("payload", message.payload).values())
        text = f"{cut(message.topic)} {cut(message.event)} {payload}"
        self._screen.show(text, "message")

    def _show_reply(self, response: Any, *words: str) -> None:
        which = "".join(f"{cut(word)} " for word in words if self._tell_which)
        shown = as_shown_json(response_as_json(response))
        self._screen.show(f"ok {which}{shown}", "reply")

    async def _help(self, call: Call) -> None:
        if not call.words:
            lines = [f"{each.usage:{_WIDTH}}{each.summary}" for each in _ALL]
        else:
            name = call.words[0].removeprefix("/")
            if name not in COMMANDS:
                raise WrongCall(f"there is no command {legible(name)}; help lists them")
            command = COMMANDS[name]
            lines = [command.usage, command.details]
        self._screen.show_lines("\n".join(lines))

    async def _join(self, call: Call) -> None:
        (topic,) = call.words
        channel = self._client.channel(topic, call.json, EchoRoom)
        self._saw(topic, None, True)
        channel.forward_to(self.show_message)
        follow_channel(channel, self._screen.show)
        response = await channel.join()
        channel.on_close(lambda reason: self._screen.show(cut(f"{topic} {reason}")))
        self._show_reply(response, topic)

    async def _push(self, call: Call) -> None:
        topic, event = call.words
        payload = call.json if call.has_json else {}
        channel = self._client.channels.find(topic)
        if channel is None:
            raise WrongCall(f"{cut(topic)} is not joined")
        self._saw(topic, event, True)
        if "--no-reply" in call.options:
            channel.push_async(event, payload)
            return
        self.outstanding_pushes += 1
        try:
            response = await channel.push(event, payload)
        finally:
            self.outstanding_pushes -= 1
        self._show_reply(response, topic, event)

    async def _leave(self, call: Call) -> None:
        (topic,) = call.words
        await self._client.leave(topic)

    async def _ping(self, _call: Call) -> None:
        round_trip = await self._client.ping()
        self._screen.show(f"{round_trip * 1000:.1f} ms", "reply")

    async def _state(self, _call: Call) -> None:
        state = self._client.get_state()
        shown = {key: state[key] for key in _STATE_KEYS}
        self._screen.show_lines(as_shown_json(shown, indent=2))

    async def _quit(self, _call: Call) -> None:
        self._end()
