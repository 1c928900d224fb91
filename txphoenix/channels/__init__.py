"""What a topic does: channels, their joins, pushes and messages.

The way of a message, between users and the client::

    in   client/receiving.py -> event_hooks.py (channel.on), or
                                pushes.py, pending.py (the push that a reply is for)
         client/router.py    -> messages.py -> membership.py, joins.py (its life)
                                            -> presence.py
                                            -> inbox.py (receive() and async for)
    out  channel.py -> pushes.py (checks it, or keeps it for the join)
         -> client/link.py

Of one channel users hold channel.py, and membership.py is all that it has inside.
Of all channels of a client they hold manager.py, and keeper.py is what that is.
"""

from __future__ import annotations

from .manager import ChannelManager

__all__ = ["ChannelManager"]
