"""A token by HTTP before each attempt to connect, with treq.

It is kept until shortly before its end, and one that the server refuses all the same is
thrown away, so that the next attempt asks for another.
``Tokens`` is yours to copy; the rest is a demonstration.

Run it, with a server of its own: a socket that wants a token, and a path for tokens::

    python examples/treq_token.py

You see a connection lost twice, the second time when the token is good no more::

    asked for token-1
    connected with token-1
    connected with token-1
    refused: 403
    asked for token-2
    connected with token-2
"""

from __future__ import annotations

import json
import sys
from time import monotonic

import treq
from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.web.resource import Resource

from txphoenix import HandshakeRefused, SocketClient
from txphoenix.testing import ChatRoom, PhoenixServer, Refused


class Tokens:
    """The tokens of one client.

    :param url: is sent a POST, and answers ``{"token": ..., "expires_in": seconds}``.
    :param key: who we are, for this URL alone.
    :param margin: for how many seconds before its end a token is not used any more.
    """

    def __init__(self, url, key, margin=30):
        self.url, self.key, self.margin = url, key, margin
        self.token, self.good_until = None, 0.0

    async def fresh(self):
        """Return a token that is good; for the option ``auth_token``."""
        if monotonic() >= self.good_until:
            asked = monotonic()
            headers = {"Authorization": f"Bearer {self.key}"}
            # What it redirects to is not to have the key.
            response = await treq.post(
                self.url, headers=headers, timeout=5, allow_redirects=False
            )
            body = await response.content()
            if response.code != 200:
                raise RuntimeError(f"no token: HTTP {response.code}")
            answer = json.loads(body)
            good_until = asked + answer["expires_in"] - self.margin
            if not isinstance(answer["token"], str):
                raise RuntimeError("no token: what came is no text")
            # Only now, for what is not all there must not be kept.
            self.token, self.good_until = answer["token"], good_until
        return self.token

    def forget(self, error):
        """Throw a token away that was refused; for ``client.on_error``."""
        if isinstance(error, HandshakeRefused) and error.status == 403:
            self.good_until = 0.0


class Issuer(Resource):
    """The path that hands tokens out, to whoever has the key."""

    isLeaf = True

    def __init__(self, key):
        super().__init__()
        self.key, self.count, self.good = key, 0, set()

    def render_POST(self, request):
        """Hand out another one."""
        if request.getHeader("authorization") != f"Bearer {self.key}":
            request.setResponseCode(401)
            return b""
        self.count += 1
        token = f"token-{self.count}"
        self.good.add(token)
        print("asked for", token)
        return json.dumps({"token": token, "expires_in": 60}).encode()

    def connect(self, params, socket):
        """Let those in whose token is good, as ``connect/3`` does in Elixir."""
        if socket.auth_token not in self.good:
            raise Refused
        print("connected with", socket.auth_token)


async def main(reactor):
    """Connect, lose the connection, and lose it with a token that is good no more."""
    issuer = Issuer("a key")
    rooms = {"rooms:*": ChatRoom}
    server = PhoenixServer(rooms, auth_token=True, connect=issuer.connect)
    server.resource = issuer
    await server.start()

    tokens = Tokens(f"http://127.0.0.1:{server.port}/token", "a key")
    client = SocketClient(server.url, auth_token=tokens.fresh, reconnect_interval=0.2)
    client.on_error(lambda error: print("refused:", error.status))
    client.on_error(tokens.forget)
    client.startService()
    await client.when_connected()
    for good in (issuer.good, set()):
        issuer.good = good
        back = Deferred()
        remove = client.on_open(lambda back=back: back.callback(None))
        server.drop()
        await back
        remove()
    await client.stopService()
    await server.stop()


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(print(__doc__))
    react(main)
