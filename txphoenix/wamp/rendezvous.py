"""Who of a fleet owns a topic: rendezvous hashing, highest random weight.

Each pair of a member and a topic has a weight, and the member of the highest owns the
topic (Thaler and Ravishankar, "A name-based mapping scheme for rendezvous", 1996).
So all who see the same members agree without a word, a member that comes takes one
part in n of the topics, about evenly from all others, and one that goes leaves its own
evenly to them; no other topic moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

__all__ = ["owner_of", "weight"]

_BYTES = 8


def weight(topic: str, member: int) -> int:
    """How much a member weighs for a topic; the same on every machine."""
    key = member.to_bytes(_BYTES, "big")
    text = topic.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=_BYTES, key=key).digest(), "big")


def owner_of(topic: str, members: Iterable[int]) -> int | None:
    """The member that owns a topic, or None if there is no member at all.

    :param members: the IDs of their WAMP sessions, in any order.
    """
    return max(
        members, key=lambda member: (weight(topic, member), member), default=None
    )
