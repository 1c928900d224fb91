"""The line that is edited, on a terminal: what is above it, below it, and its keys.

It draws on a few lines of the terminal and leaves the rest to the terminal, which
scrolls and is copied from as ever.
Nothing asks the terminal where the cursor is: some never answer, and the answer of a
slow one ends up in what is typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO, cast

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import (
    BufferControl,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import HighlightIncrementalSearchProcessor
from prompt_toolkit.output import ColorDepth, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style
from prompt_toolkit.validation import Validator
from prompt_toolkit.widgets import SearchToolbar, ValidationToolbar

from ..output import Terminal
from .validation import is_cut_short

__all__ = ["Editor"]

_MENU_HEIGHT = 6

_STYLE = Style.from_dict(
    {
        "error": "ansired",
        "input": "bold",
        "note": "ansicyan",
        "prompt": "bold",
        "reply": "ansigreen",
        "status": "reverse",
        "status.down": "ansired",
    }
)


class _Surface:
    """What prompt_toolkit draws on: the terminal, for which it waits as long as we do.

    It has what ``Vt100_Output`` asks for, and no ``buffer`` that leads past us.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.encoding = terminal.out.encoding or "utf-8"
        self.fileno = terminal.out.fileno
        self.isatty = terminal.out.isatty
        self.flush = terminal.out.flush

    def write(self, text: str) -> None:
        """Write text; what the terminal has no character for stays as wide."""
        shown = text.encode(self.encoding, "replace").decode(self.encoding)
        self._terminal.draw(shown)


class Editor:
    """A line at the bottom of a terminal.

    :param terminal: the terminal.
    :param accept: takes what was typed, when it is complete and right.
    :param leave: is called at Ctrl-D.
    :param status: gives the line below.
    :param completer: completes words.
    :param validator: refuses what is wrong.
    :param history: keeps what was typed.
    """

    def __init__(
        self,
        terminal: Terminal,
        accept: Callable[[str], None],
        leave: Callable[[], None],
        status: Callable[[], StyleAndTextTuples],
        completer: Completer,
        validator: Validator,
        history: History,
    ) -> None:
        self._accept = accept
        self._leave = leave
        self._above: list[tuple[str, str]] = []
        self._output = create_output(cast(TextIO, _Surface(terminal)))
        if isinstance(self._output, Vt100_Output):
            self._output.enable_cpr = False
        self._depth = None if terminal.has_colours else ColorDepth.DEPTH_1_BIT
        self._buffer = Buffer(
            completer=completer,
            history=history,
            validator=validator,
            validate_while_typing=False,
            accept_handler=self._take,
            multiline=Condition(lambda: is_cut_short(self._buffer.text)),
        )
        self._application: Application[None] = Application(
            layout=self._layout(status),
            key_bindings=self._keys(),
            style=_STYLE,
            color_depth=self._depth,
            erase_when_done=True,
            # For the time until the next attempt to connect.
            refresh_interval=1.0,
            input=create_input(terminal.stdin),
            output=self._output,
        )

    async def run(self) -> None:
        """Edit until :meth:`stop`; then the terminal is as it was.

        :raises EOFError: the terminal has gone.
        :raises OSError: so it has, as was found by writing to it.
        :raises Exception: a fault in what draws, or in what a key does.
        """
        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        loop.set_exception_handler(self._broken)
        try:
            # Signals are the reactor's.
            await self._application.run_async(
                handle_sigint=False, set_exception_handler=False
            )
        finally:
            loop.set_exception_handler(before)

    def stop(self) -> None:
        """Have :meth:`run` end."""
        if self._application.is_running and not self._application.is_done:
            self._application.exit()

    def refresh(self) -> None:
        """Draw the line below anew."""
        self._application.invalidate()

    def print(self, text: str, kind: str) -> None:
        """Print text above the line, soon; it must hold nothing that a terminal obeys.

        :param kind: the class of its style.
        """
        if not self._above:
            # All that comes in a moment is drawn at once.
            asyncio.get_running_loop().call_soon(self.flush)
        self._above.append((f"class:{kind}", f"{text}\n"))

    def flush(self) -> None:
        """Print what is to be printed now."""
        above, self._above = self._above, []
        if not above:
            return
        # A terminal that has gone is told by what reads it.
        with suppress(OSError):
            if self._application.is_running:
                self._application.renderer.erase()
            print_formatted_text(
                self._output, FormattedText(above), _STYLE, color_depth=self._depth
            )
        self._application.invalidate()

    def _broken(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Have :meth:`run` fail with what a callback has raised.

        It is none of the reactor's, which logs what its own raise.
        """
        error = context.get("exception")
        if error is None or self._application.is_done:
            loop.default_exception_handler(context)
        else:
            self._application.exit(exception=error)

    def _take(self, buffer: Buffer) -> bool:
        self._accept(buffer.text)
        # It is not kept: the next line is empty.
        return False

    def _layout(self, status: Callable[[], StyleAndTextTuples]) -> Layout:
        search = SearchToolbar()
        control = BufferControl(
            self._buffer,
            input_processors=[HighlightIncrementalSearchProcessor()],
            search_buffer_control=search.control,
            preview_search=True,
        )
        line = Window(
            control,
            height=self._height,
            dont_extend_height=True,
            wrap_lines=True,
            get_line_prefix=lambda number, wraps: [
                ("class:prompt", "  " if number or wraps else "> ")
            ],
        )
        menu = CompletionsMenu(max_height=_MENU_HEIGHT, scroll_offset=1)
        below = Window(
            FormattedTextControl(status),
            # It gives way where the terminal has but two lines.
            height=Dimension(min=0, max=1),
            style="class:status",
            dont_extend_height=True,
        )
        content = FloatContainer(line, [Float(menu, xcursor=True, ycursor=True)])
        return Layout(HSplit([content, ValidationToolbar(), search, below]), line)

    def _height(self) -> Dimension:
        """That of the line: with room for the menu, where there is one.

        No more of it is asked for than the terminal has beside the line and two below.
        """
        state = self._buffer.complete_state
        count = 0 if state is None else len(state.completions)
        room = max(self._output.get_size().rows - 3, 0)
        return Dimension(min=1 + min(count, _MENU_HEIGHT, room))

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        # In a search Ctrl-C ends that, and the line is what it was.
        @keys.add("c-c", filter=~is_searching)
        def cancel_line(event: KeyPressEvent) -> None:
            """Throw away what was typed, and show that."""
            self.show_input(f"{self._buffer.text}^C")
            self._buffer.reset()

        is_empty = Condition(lambda: not self._buffer.text)

        @keys.add("c-d", filter=is_empty & ~is_searching)
        def leave(event: KeyPressEvent) -> None:
            self._leave()

        @keys.add("c-z")
        def suspend(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

        return keys

    def show_input(self, text: str) -> None:
        """Print what was typed, as it was typed."""
        lines = text.split("\n")
        # Tabs and the like can be pasted.
        shown = [
            "".join(each if each.isprintable() else "?" for each in line)
            for line in lines
        ]
        self.print("> " + "\n  ".join(shown), "input")
