"""A channel: one topic on one socket, to be used as it is or to be subclassed.

::

    channel = client.channel("rooms:lobby", {"user_id": 123})
    response = await channel.join()
    channel.on("new_msg", lambda payload: ...)
    reply = await channel.push("new_msg", {"body": "hi"})
    await channel.leave()
"""

from __future__ import annotations

from .channels.channel import Channel
from .channels.hooked_channel import HandlesIn, HookedChannel

__all__ = ["Channel", "HandlesIn", "HookedChannel"]
