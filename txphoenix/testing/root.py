"""The whole of a server's HTTP: the paths of its sockets, and 404 for the rest."""

from __future__ import annotations

from twisted.web.resource import Resource
from twisted.web.server import Request

from .endpoint import Endpoint
from .handshake import WebSocketMount
from .http import Mount, answer
from .longpoll import LongPollMount

__all__ = ["Root"]


class Root(Resource):
    """Hands each request to the socket and transport of its path."""

    isLeaf = True

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._mounts: dict[str, Mount] = {}

    def render(self, request: Request) -> int:
        """Answer a request."""
        path = request.path.decode("latin-1")
        mount = self._mounts.get(path) or self._mount(path)
        if mount is None:
            return answer(self._endpoint, request, 404, b"not found")
        self._mounts[path] = mount
        return mount.render(request)

    def _mount(self, path: str) -> Mount | None:
        socket_path, _, transport = path.rpartition("/")
        options = self._endpoint.sockets.get(socket_path)
        if options is None:
            return None
        if transport == "websocket" and options.websocket:
            return WebSocketMount(self._endpoint, options)
        if transport == "longpoll" and options.longpoll:
            return LongPollMount(self._endpoint, options)
        return None
