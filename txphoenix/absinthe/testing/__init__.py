"""An Absinthe server for tests and demonstrations; not for production.

It speaks as ``absinthe_phoenix`` does (``lib/absinthe/phoenix/channel.ex``), over TCP
or in memory, and instead of a GraphQL engine it has functions that the test gives::

    from txphoenix.absinthe.testing import AbsintheServer, Schema

    schema = Schema()
    schema.query("user", lambda variables: {"name": "Ann"})
    schema.subscription("commentAdded")

    server = await AbsintheServer(schema).start()
    ...
    schema.publish("commentAdded", {"body": "hello"})

:class:`MemoryAbsintheServer` is the same in memory, on a
:class:`twisted.internet.task.Clock`.
A server of one's own has Absinthe beside its other channels by
``PhoenixServer({"rooms:*": Room, **schema.channels()})``.
"""

from __future__ import annotations

from .control import ControlChannel
from .documents import Document, RootField
from .schema import DocumentError, Schema, ServerSubscription
from .servers import AbsintheServer, MemoryAbsintheServer

__all__ = [
    "AbsintheServer",
    "ControlChannel",
    "Document",
    "DocumentError",
    "MemoryAbsintheServer",
    "RootField",
    "Schema",
    "ServerSubscription",
]
