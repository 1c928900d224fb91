"""The whole of a server's HTTP: its sockets, its resource, and 404 for the rest."""

from __future__ import annotations

from twisted.web.resource import IResource, Resource, getChildForRequest
from twisted.web.server import Request

from .endpoint import Endpoint
from .handshake import WebSocketMount
from .http import Mount, answer
from .longpoll import LongPollMount
from .options import SocketOptions
from .path import PathPattern

__all__ = ["Root"]


class Root(Resource):
    """Hands each request to the socket of its path, or else to the resource."""

    isLeaf = True

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._mounts: dict[tuple[str, str], Mount] = {}

    def render(self, request: Request) -> bytes | int:
        """Answer a request."""
        mount = self._mount(request.path.decode("latin-1"))
        if mount is not None:
            return mount.render(request)
        resource = self._endpoint.resource
        if resource is None:
            return answer(self._endpoint, request, 404, b"not found")
        found: IResource = getChildForRequest(resource, request)
        rendered: bytes | int = found.render(request)
        return rendered

    def _mount(self, path: str) -> Mount | None:
        for socket_path, options in self._endpoint.sockets.items():
            for kind, is_served, below in (
                (WebSocketMount, options.websocket, options.websocket_path),
                (LongPollMount, options.longpoll, options.longpoll_path),
            ):
                pattern = PathPattern(f"{socket_path}/{below}")
                if is_served and pattern.match(path) is not None:
                    return self._made(kind, socket_path, options, pattern)
        return None

    def _made(
        self,
        kind: type[Mount],
        socket_path: str,
        options: SocketOptions,
        pattern: PathPattern,
    ) -> Mount:
        key = socket_path, kind.transport
        mount = self._mounts.get(key)
        if mount is None:
            mount = self._mounts[key] = kind(self._endpoint, options, pattern)
        return mount
