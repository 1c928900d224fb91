"""Comments of a repository, by a GraphQL subscription of Absinthe's.

Run it, with a server of its own, which loses the connection after the second comment,
or at one with a subscription ``commentAdded(repoName: ...)``, as Absinthe's guide has::

    python examples/absinthe_comments.py
    python examples/absinthe_comments.py wss://example.org/socket txphoenix

You see::

    subscribed
    comment: first
    comment: second
    subscribed
    comment: third
"""

from __future__ import annotations

import sys

from twisted.internet.task import react

from txphoenix import SocketClient
from txphoenix.absinthe import AbsintheClient, GraphQLError
from txphoenix.absinthe.testing import AbsintheServer, Schema
from txphoenix.errors import PhoenixError

COMMENTS = """
subscription Comments($repo: String!) {
  commentAdded(repoName: $repo) { content }
}
"""


async def own_server(reactor):
    """A server with three comments, each sent once somebody is there for it."""
    schema = Schema()
    schema.subscription("commentAdded")
    comments = iter(["first", "second", "third"])

    def comment(subscription):
        server.reactor.callLater(0.1, publish)

    def publish():
        text = next(comments, None)
        if text is not None:
            schema.publish("commentAdded", {"content": text})
        if text == "second":
            server.drop()
        elif text is not None:
            server.reactor.callLater(0.1, publish)

    schema.after_reply = comment
    server = await AbsintheServer(schema, reactor=reactor).start()
    return server


async def main(reactor, url=None, repo="txphoenix", count="3"):
    """Print so many comments as they come, through whatever happens on the way."""
    server = await own_server(reactor) if url is None else None
    try:
        client = SocketClient(server.url if url is None else url)
        client.startService()
        await comments(AbsintheClient(client), repo, int(count))
    except GraphQLError as error:
        sys.exit(f"refused: {error.errors}")
    except PhoenixError as error:
        sys.exit(f"no comments: {error}")
    await client.stopService()
    if server is not None:
        await server.stop()


async def comments(absinthe, repo, count):
    """Print comments."""
    left = count
    async with absinthe.subscribe(COMMENTS, {"repo": repo}) as subscription:
        subscription.on_subscribed(lambda id: print("subscribed"))
        async for data in subscription:
            print("comment:", data["commentAdded"]["content"])
            left -= 1
            if left == 0:
                break


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(print(__doc__))
    # Who follows it through a pipe sees each line at once.
    sys.stdout.reconfigure(line_buffering=True)
    react(main, sys.argv[1:])
