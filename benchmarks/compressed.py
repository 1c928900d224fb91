"""A flood with the extension permessage-deflate, of messages as people write them.

The server compresses them before the clock starts, each on top of the ones before it
(context takeover), as Phoenix does.
"""

from __future__ import annotations

from typing import Any

from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)

from . import flood, library
from .address import Address
from .stock import connect_stock

PATH = "/deflate"
"""Where the server agrees to compression."""


def _accept(response: Any) -> Any:
    """Take the answer, for Autobahn."""
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)
    return None


async def txphoenix(
    reactor: Any, where: Address, count: int, size: int
) -> dict[str, float]:
    """One hook takes each message."""
    client = await library.connect(reactor, where, PATH, compression=True)
    wanted = {"count": count, "size": size}
    joined = await library.join(client, 1)
    return await flood.through(reactor, client, joined, ("prepare-chat", wanted), count)


async def stock(
    reactor: Any, where: Address, count: int, size: int
) -> dict[str, float]:
    """One function takes each message."""
    client = await connect_stock(
        reactor,
        where,
        PATH,
        perMessageCompressionOffers=[PerMessageDeflateOffer()],
        perMessageCompressionAccept=_accept,
    )
    await client.join(1)
    wanted = {"count": count, "size": size}
    return await flood.through_stock(reactor, client, ("prepare-chat", wanted), count)
