"""Who is on a channel: Phoenix's Presence, kept in step with the server.

A key (often a user) is present once for every meta it has (often a device), and a meta
is the same meta if its ``phx_ref`` is the same.
State and diffs come to the client by different ways in the server and race, so a diff
that comes first is held until the state is there, and what is known already is no news.

:class:`Presence` keeps the list of one channel; the functions are what it is made of,
for those who keep it themselves.
They report a meta once when it comes and once when it goes.
"""

from __future__ import annotations

from .channels.presence import (
    Presence,
    list_by,
    sync_diff,
    sync_state,
)

__all__ = [
    "Presence",
    "list_by",
    "sync_diff",
    "sync_state",
]
