"""A process of Node, and the conversation with it.

What is said is one line of JSON each; ``conversation.mjs`` has the other side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

__all__ = ["Node", "NodeEnded", "ScriptFailed", "start_node"]

HERE = Path(__file__).parent

Calls = Mapping[str, Callable[..., Any]]
"""What a script may ask for: a word, and the function that does it."""


class ScriptFailed(Exception):
    """What a script was told to do has failed; the text is JavaScript's."""


class NodeEnded(Exception):
    """The process has ended; the text is what it said at last."""


class Node(ProcessProtocol):
    """One process.

    :ivar calls: what the script may ask for.
    """

    def __init__(self) -> None:
        self.calls: Calls = {}
        self._rest = b""
        self._said: list[bytes] = []
        self._asked: dict[int, Deferred[Any]] = {}
        self._count = 0
        self._ended: Deferred[None] = Deferred()
        self._has_ended = False

    def say(self, *words: Any) -> Deferred[Any]:
        """Tell the script to do something.

        :return: a Deferred of the answer; it fails with :exc:`ScriptFailed` or
            :exc:`NodeEnded`.
        """
        self._count += 1
        number = self._count

        def forget(_: Deferred[Any]) -> None:
            del self._asked[number]

        answer: Deferred[Any] = Deferred(forget)
        self._asked[number] = answer
        self._write({"id": number, "say": words})
        return answer

    def stop(self) -> Deferred[None]:
        """End the process; the Deferred fires when it has ended."""
        if not self._has_ended:
            cast(Any, self.transport).signalProcess("KILL")
        return self._ended

    # ProcessProtocol.

    def outReceived(self, data: bytes) -> None:
        """Take what the script has written."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def errReceived(self, data: bytes) -> None:
        """Keep what was printed, for when something goes wrong."""
        self._said = [*self._said[-20:], data]

    def processEnded(self, reason: Failure) -> None:
        """Tell all who wait for an answer."""
        self._has_ended = True
        asked, self._asked = self._asked, {}
        status = ""
        if isinstance(reason.value, ProcessTerminated):
            status = f"Node has ended with {reason.value.exitCode}: "
        said = b"".join(self._said).decode("utf-8", "replace").strip()
        for answer in asked.values():
            answer.errback(NodeEnded(status + said))
        self._ended.callback(None)

    # Inside.

    def _take(self, message: dict[str, Any]) -> None:
        if "call" in message:
            self._answer(message["call"], *message["say"])
            return
        answer = self._asked.pop(message["id"], None)
        if answer is None:
            return
        if "error" in message:
            answer.errback(ScriptFailed(message["error"]))
        else:
            answer.callback(message["ok"])

    def _answer(self, number: int, name: str, *args: Any) -> None:
        doing = maybeDeferred(self._call, name, *args)
        doing.addCallbacks(
            lambda result: self._write({"call": number, "ok": result}),
            lambda failure: self._write(
                {"call": number, "error": f"{name}: {failure.getErrorMessage()}"}
            ),
        )

    def _call(self, name: str, *args: Any) -> Any:
        return self.calls[name](*args)

    def _write(self, value: Any) -> None:
        if not self._has_ended:
            line = json.dumps(value).encode("ascii") + b"\n"
            cast(Any, self.transport).write(line)


def start_node(reactor: Any, node: str, script: str, packages: Path) -> Node:
    """Start a script of this package.

    :param node: the path of Node.
    :param packages: the directory that has the packages.
    """
    process = Node()
    command = [node, str(HERE / script), str(packages)]
    reactor.spawnProcess(process, node, command, env=None)
    return process
