"""Whether two clients did the same, or differ as it was expected."""

from __future__ import annotations

from typing import NamedTuple

from .official import Official
from .script import Difference, Scenario
from .trace import Unlike, differences

__all__ = ["Run", "faults"]


class Run(NamedTuple):
    """What one client did in a scenario.

    :ivar frames: the lines of its trace, how each thing ended among them.
    :ivar posts: how many frames each publish of long-poll had.
    :ivar faults: what is wrong with the refs.
    """

    frames: list[str]
    posts: list[str]
    faults: list[str]


def faults(
    official: Official, scenario: Scenario, transport: str, first: Run, second: Run
) -> list[str]:
    """What is wrong: unlike what was expected, or not unlike where it was."""
    found = [*first.faults, *second.faults]
    clients = official.clients
    found += _compare(clients, first.frames, second.frames, scenario.difference)
    if transport == "longpoll" and scenario.difference is None:
        found += _compare(clients, first.posts, second.posts, scenario.posts)
    return found


def _compare(
    clients: tuple[str, str],
    first: list[str],
    second: list[str],
    expected: Difference | None,
) -> list[str]:
    unlike = differences(first, second)
    wanted = Unlike((), ())
    if expected is not None:
        wanted = Unlike(expected.official, expected.txphoenix)
    if unlike == wanted:
        return []
    if expected is None:
        return [_shown(clients, "they should be alike", unlike)]
    return [
        _shown(clients, f"they should be otherwise ({expected.reason})", wanted),
        _shown(clients, "but are", unlike),
    ]


def _shown(clients: tuple[str, str], what: str, unlike: Unlike) -> str:
    lines = [f"{what}:"]
    width = max(map(len, clients))
    for client, alone in zip(clients, unlike, strict=True):
        lines += [f"  {client:<{width}} {line}" for line in alone]
    if len(lines) == 1:
        lines.append("  alike")
    return "\n".join(lines)
