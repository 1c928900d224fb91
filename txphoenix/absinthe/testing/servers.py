"""Servers that have Absinthe's control channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txphoenix.testing import Endpoint, MemoryServer, PhoenixServer, ServerChannel

from .schema import Schema

__all__ = ["AbsintheServer", "MemoryAbsintheServer"]


class _WithSchema(Endpoint):
    """A server that a schema answers for."""

    def __init__(
        self,
        schema: Schema | None = None,
        channels: Mapping[str, type[ServerChannel]] | None = None,
        **options: Any,
    ) -> None:
        self.schema = Schema() if schema is None else schema
        super().__init__({**(channels or {}), **self.schema.channels()}, **options)


class AbsintheServer(_WithSchema, PhoenixServer):
    """An Absinthe server on a port of 127.0.0.1.

    :param schema: what answers; an empty one if not given.
    :param channels: other channels beside.
    :param options: see :class:`txphoenix.testing.PhoenixServer`.
    :ivar schema: what answers.
    """


class MemoryAbsintheServer(_WithSchema, MemoryServer):
    """An Absinthe server in memory, on a clock that the test advances.

    :param schema: what answers; an empty one if not given.
    :param channels: other channels beside.
    :param options: see :class:`txphoenix.testing.MemoryServer`.
    :ivar schema: what answers.
    """
