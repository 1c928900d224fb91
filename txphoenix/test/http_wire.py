"""An HTTP client made of plain bytes, to hold a server's long-poll against recordings.

Each request has a connection of its own, so that several can wait at once.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from txphoenix.testing import MemoryServer

from .wire_client import RawClient

__all__ = ["Answer", "WireRequest", "request"]


class Answer(NamedTuple):
    """A whole answer.

    :ivar headers: by their lower-case names.
    :ivar body: not compressed any more.
    """

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class WireRequest(RawClient):
    """One request under way."""

    @property
    def answer(self) -> Answer | None:
        """The answer, once all of it has come."""
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if not blank:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in lines)
        }
        if len(body) < int(headers["content-length"]):
            return None
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(int(first.split(" ")[1]), headers, body.decode("utf-8"))


def request(
    server: MemoryServer,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: str = "",
) -> WireRequest:
    """Send a request to a server in memory."""
    made: WireRequest = WireRequest.connect(server)
    data = body.encode("utf-8")
    sent = {"host": "127.0.0.1:4000", "accept-encoding": "gzip", **(headers or {})}
    if method not in ("GET", "OPTIONS"):
        sent["content-length"] = str(len(data))
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in sent.items() if value]
    made.write("\r\n".join([*lines, "", ""]).encode("ascii") + data)
    server.flush()
    return made
