"""An official client, and what it is held against."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .environment import Packages
from .node import Calls
from .script import Scenario
from .trace import Decoded, decoded
from .watched import Watched

__all__ = ["OURS", "Client", "Official"]

OURS = "txphoenix"
"""The name of our client."""


class Client(Protocol):
    """A client at work on a scenario."""

    def act(self, *actions: Any) -> Any:
        """Do actions, in one turn."""

    def wait(self, *words: Any) -> Awaitable[Any]:
        """Wait until it has come to this."""

    def told(self) -> Any:
        """How everything has ended."""

    def end(self) -> Awaitable[Any]:
        """Stop."""


@dataclass(frozen=True)
class Official:
    """One official client.

    :ivar name: its name.
    :ivar packages: what it needs of npm.
    :ivar cases: the script, from the directory ``interop``, that has the cases.
    :ivar actions: the script that does the actions of scenarios.
    :ivar server: makes a server out of options, one of which is ``reactor``.
    :ivar controls: what a script may ask of such a server.
    :ivar ours: makes what does the same actions with txphoenix, out of the reactor, the
        transport and the server's URL.
    :ivar scenarios: what both do, side by side.
    :ivar decoded: reads the frames of such a server.
    """

    name: str
    packages: Packages
    cases: str
    actions: str
    server: Callable[..., Watched]
    controls: Callable[[Any], Calls]
    ours: Callable[[Any, str, str], Client]
    scenarios: tuple[Scenario, ...]
    decoded: Decoded = decoded

    @property
    def clients(self) -> tuple[str, str]:
        """The names of both clients."""
        return self.name, OURS
