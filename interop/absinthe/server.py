"""TEMP stub."""
from __future__ import annotations
from itertools import count
from typing import Any
from txphoenix import Message
from txphoenix.testing import PhoenixServer, ServerChannel, error, ok
from ..controls import usual_controls
from ..watched import Watched


class Control(ServerChannel):
    def handle_in(self, event: str, payload: Any) -> Any:
        server: Any = self.endpoint
        if event == "unsubscribe":
            i = payload["subscriptionId"]
            server.subs.pop(i, None)
            return ok({"subscriptionId": i})
        q = payload["query"]
        v = payload.get("variables") or {}
        if "wrong" in q:
            return error({"errors": [{"message": "Cannot query field", "locations": [{"line": 1, "column": 2}]}]})
        if "hang" in q:
            return None
        if q.startswith("subscription"):
            i = f"__absinthe__:doc:{next(server.ids)}"
            server.subs[i] = (self.session, q, v)
            return ok({"subscriptionId": i})
        if "partial" in q:
            return ok({"data": {"partial": None}, "errors": [{"message": "only a part"}]})
        return ok({"data": {"echo": v}})

    def terminate(self, reason: Any) -> None:
        server: Any = self.endpoint
        for i, (s, *_) in list(server.subs.items()):
            if s is self.session:
                del server.subs[i]


class AbsintheInteropServer(Watched, PhoenixServer):
    def __init__(self, **o: Any) -> None:
        super().__init__({"__absinthe__:control": Control}, **o)
        self.subs: dict[str, Any] = {}
        self.ids = count(1)

    def publish(self, field: str, result: Any, variables: Any = None) -> int:
        n = 0
        for i, (s, q, v) in list(self.subs.items()):
            if field in q and (variables is None or v == variables):
                n += 1
                s.send(Message(None, None, i, "subscription:data", {"result": result, "subscriptionId": i}))
        return n


def controls(server: Any) -> Any:
    return {
        **usual_controls(server),
        "publish": lambda f, value, v=None: server.publish(f, {"data": {f: value}}, v),
        "publish_many": lambda f, a, n: sum(server.publish(f, {"data": {f: a + i}}) for i in range(n)),
        "publish_errors": lambda f, text: server.publish(f, {"data": {f: None}, "errors": [{"message": text}]}),
        "subscriptions": lambda: len(server.subs),
        "ids": lambda: sorted(server.subs),
    }
