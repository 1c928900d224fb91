"""Tests of :mod:`txphoenix.channels.hooks`: the hooks of one channel."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.hooks import NO_HOOKS, ChannelHooks

from .support import TOPIC, ClientTestCase


class ChannelHooksTests(SynchronousTestCase):
    """Three kinds in one object."""

    def test_kinds(self) -> None:
        """Each kind is told its own, in order, until it is removed."""
        told: list[tuple[str, object]] = []

        def teller(name: str) -> Callable[[object], None]:
            return lambda it: told.append((name, it))

        hooks = ChannelHooks()
        error = ValueError("no")
        hooks.add("said", teller("said 0"))
        hooks.add("said", teller("said 1"))
        hooks.add_error(teller("error 0"))
        hooks.add_error(teller("error 1"))
        hooks.add_close(teller("end 0"))
        remove = hooks.add_close(teller("end 1"))
        self.assertTrue(hooks.call("said", 1, TOPIC))
        hooks.tell_error(error, TOPIC)
        remove()
        hooks.tell_close("left", TOPIC)
        self.assertEqual(
            told,
            [
                ("said 0", 1),
                ("said 1", 1),
                ("error 0", error),
                ("error 1", error),
                ("end 0", "left"),
            ],
        )

    def test_none(self) -> None:
        """Without hooks nobody is told, and that is no error."""
        self.assertFalse(NO_HOOKS.call("said", 1, TOPIC))
        NO_HOOKS.tell_error(ValueError("no"), TOPIC)
        NO_HOOKS.tell_close("left", TOPIC)


class OwnHooksTests(ClientTestCase):
    """What channels have of them."""

    def test_shared(self) -> None:
        """Channels without hooks share what has none; a hook of one is its own."""
        client = self.connected_client()
        first, second = client.channel("rooms:1"), client.channel("rooms:2")
        first.on("said", print)
        first.on_close(print)
        self.assertIs(second._membership.hooks, NO_HOOKS)
        self.assertEqual(list(first._membership.hooks), ["said"])
        self.assertEqual(NO_HOOKS, {})
        second.off("said")
        self.assertIs(second._membership.hooks, NO_HOOKS)
