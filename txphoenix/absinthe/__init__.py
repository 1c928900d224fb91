"""GraphQL over Phoenix channels, as Absinthe serves it.

::

    from txphoenix import SocketClient
    from txphoenix.absinthe import AbsintheClient

    client = SocketClient("wss://example.org/socket", params={"token": "..."})
    client.startService()
    absinthe = AbsintheClient(client)

    print(await absinthe.query("{ me { name } }"))

    async with absinthe.subscribe(
        "subscription($room: ID!) { messageAdded(room: $room) { body } }",
        {"room": "7"},
    ) as subscription:
        async for data in subscription:
            print(data["messageAdded"]["body"])

After each reconnect, and each crash of the channel on the server, each subscription is
made again by itself.
:mod:`txphoenix.absinthe.testing` is a server for tests.
"""

from __future__ import annotations

from .client import AbsintheClient
from .errors import GraphQLError, InvalidResponse
from .subscription import Subscription

__all__ = ["AbsintheClient", "GraphQLError", "InvalidResponse", "Subscription"]
