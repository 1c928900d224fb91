"""The types of the options of a client, for type checkers and editors.

What each option means, its default and its check are in :mod:`txphoenix.options`.
This is what tells that ``SocketClient(url, heartbeet=3)`` is a mistake before it runs.
A function of your own that passes options on is checked in the same way::

    from typing import Unpack

    def make_client(**options: Unpack[ClientOptions]) -> SocketClient:
        return SocketClient("wss://example.org/socket", **options)
"""

from __future__ import annotations

from .options.types import ChangedOptions, ClientOptions

__all__ = ["ChangedOptions", "ClientOptions"]
