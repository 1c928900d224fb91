"""A person at a terminal, who edits lines.

Each line is carried out at once, since a person may look around while a reply is
waited for; so a reply is printed with what it is for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from prompt_toolkit.formatted_text import StyleAndTextTuples
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ...client.socket_client import SocketClient
from ...errors import PhoenixError
from ...legible import escaped
from ..console_commands import Call, Commands, WrongCall
from ..ending import Ending
from ..output import Terminal
from .completion import CallCompleter, Seen
from .editor import Editor
from .history import LineHistory, history_path
from .status_line import status_line
from .validation import CallValidator, read_calls

__all__ = ["PromptConsole", "at_terminal"]


@contextmanager
def at_terminal(console: PromptConsole) -> Iterator[None]:
    """Connect a console to the terminal; its ``close()`` gives that back."""
    console.start()
    yield


class PromptConsole(Ending):
    """A user at a terminal.

    :param client: the client, started.
    :param terminal: the terminal.
    :ivar has_failed: False, since a person sees what fails.
    """

    has_failed = False

    def __init__(self, client: SocketClient, terminal: Terminal) -> None:
        super().__init__()
        self._client = client
        self._seen = Seen()
        self._commands = Commands(
            client, self, self.end, tell_which=True, saw=self._saw
        )
        self._topic: str | None = None
        self._stopped: Deferred[None] = Deferred()
        history = LineHistory(history_path(terminal.environ), self.show)
        self._editor = Editor(
            terminal,
            self._accept,
            self.end,
            self._status,
            CallCompleter(self._seen, self._joined),
            CallValidator(),
            history,
        )
        for line in reversed([*history.load_history_strings()]):
            self._seen.add_line(line)

    def start(self) -> None:
        """Greet the user, and edit the first line."""
        self.show("help lists the commands, TAB completes, Ctrl-D leaves")
        editing = asyncio.ensure_future(self._editor.run())
        Deferred.fromFuture(editing).addBoth(self._take_end)

    def show(self, text: str, kind: str = "note") -> None:
        """Print a line above the one that is typed."""
        self._editor.print(escaped(text), kind)

    def show_lines(self, text: str, kind: str = "text") -> None:
        """Print lines above the one that is typed."""
        self._editor.print(text, kind)

    async def close(self) -> None:
        """Give the terminal back, and leave all topics."""
        self._editor.stop()
        await self._stopped
        for leave in [channel.leave() for channel in self._client.channels]:
            await leave
        self._editor.flush()

    def _take_end(self, result: Failure | None) -> None:
        """Take note that the terminal is as it was, and why."""
        self._stopped.callback(None)
        if result is None or result.check(EOFError, OSError) is not None:
            self.end()
        else:
            self.fail(result)

    def _accept(self, text: str) -> None:
        calls = read_calls(text)
        if not calls:
            self._editor.show_input(text)
        for line, call in calls:
            self._editor.show_input(line)
            Deferred.fromCoroutine(self._carry_out(call)).addErrback(self.fail)

    async def _carry_out(self, call: Call) -> None:
        try:
            await self._commands.carry_out(call)
        except (WrongCall, PhoenixError) as error:
            self.show(f"error: {error}", "error")
        finally:
            self._editor.refresh()

    def _saw(self, topic: str, event: str | None, is_ours: bool) -> None:
        self._seen.add(topic, event)
        if is_ours:
            self._topic = topic

    def _joined(self) -> list[str]:
        return [channel.topic for channel in self._client.channels]

    def _status(self) -> StyleAndTextTuples:
        outstanding = self._commands.outstanding_pushes
        return status_line(self._client, self._topic, outstanding)
