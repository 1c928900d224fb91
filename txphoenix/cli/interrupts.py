"""The signals that end a command: it leaves its topics and closes its connection."""

from __future__ import annotations

import signal
from typing import Any, Final

from .output import Terminal

__all__ = ["SIGNALS", "take_signals"]

SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, what ``kill`` sends, a window that is closed, and Ctrl-Break of Windows."""


def take_signals(reactor: Any, terminal: Terminal) -> None:
    """Have the first of them stop the reactor, and the second end the process at once.

    What is ignored stays so, as ``nohup`` wants of SIGHUP.

    :param terminal: waits no longer for a reader that takes nothing.
    """
    known = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    taken = [each for each in known if signal.getsignal(each) != signal.SIG_IGN]

    def stop(_number: int, _frame: object) -> None:
        # Whoever does it twice does not want to wait.
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
        terminal.hurry()
        reactor.callFromThread(_stop, reactor)

    for each in taken:
        signal.signal(each, stop)


def _stop(reactor: Any) -> None:
    # It may have ended by itself in between.
    if reactor.running:
        reactor.stop()
