"""What a channel is joined with besides its filters: the ``config`` of its join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from txphoenix.errors import ConfigurationError

__all__ = ["ChannelConfig"]

# What the server takes for itself, and what it needs besides to say that it failed.
_POSTGRES_WAIT = 15.0
_POSTGRES_GRACE = 10.0


@dataclass(frozen=True, kw_only=True)
class ChannelConfig:
    """The config of a channel, under the names of Supabase's own clients.

    :ivar ack: whether the server acknowledges broadcasts;
        :meth:`.RealtimeChannel.send_broadcast` then waits for that.
    :ivar receive_own: whether the client gets its own broadcasts: ``self`` to others.
    :ivar replay: ``{"since": milliseconds since 1970, "limit": number}``: what was
        stored is broadcast anew after the join; private channels alone have it.
    :ivar presence_key: the key of its own presence; the server makes one if empty.
    :ivar presence: whether presences are told; hooks for them say so as well.
    :ivar private: whether the project's policies decide who may read and write.
    :ivar wait_for_postgres: whether the reply to the join waits for the database:
        True, or for how many seconds.
    """

    ack: bool = False
    receive_own: bool = False
    replay: Mapping[str, int] | None = None
    presence_key: str = ""
    presence: bool = False
    private: bool = False
    wait_for_postgres: bool | float = False

    def __post_init__(self) -> None:
        for name in ("ack", "receive_own", "presence", "private"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"{name} must be a bool")
        if not isinstance(self.presence_key, str):
            raise ConfigurationError("presence_key must be a str")
        if self.replay is not None:
            if not isinstance(self.replay, Mapping):
                raise ConfigurationError("replay must be a mapping or None")
            if not self.private:
                raise ConfigurationError("replay needs a private channel")
        wait = self.wait_for_postgres
        if not isinstance(wait, (bool, int, float)) or wait < 0:
            raise ConfigurationError("wait_for_postgres must be a bool or seconds")

    def asked(
        self,
        changes: list[dict[str, Any]],
        presence: bool,
    ) -> dict[str, Any]:
        """The ``config`` that the join has.

        :param changes: the filters.
        :param presence: whether there are hooks for presences.
        """
        broadcast: dict[str, Any] = {"ack": self.ack, "self": self.receive_own}
        if self.replay is not None:
            broadcast["replay"] = dict(self.replay)
        made = {
            "broadcast": broadcast,
            "presence": {
                "key": self.presence_key,
                "enabled": presence or self.presence,
            },
            "postgres_changes": changes,
            "private": self.private,
        }
        if self.wait_for_postgres:
            wait: dict[str, Any] = {"wait": True}
            if self.wait_for_postgres is not True:
                wait["timeout"] = int(self.wait_for_postgres * 1000)
            made["postgres_changes_options"] = wait
        return made

    def join_timeout(self, timeout: float) -> float:
        """The seconds that a join has, of which the database may take some.

        :param timeout: what it has otherwise.
        """
        wait = self.wait_for_postgres
        if not wait:
            return timeout
        seconds = _POSTGRES_WAIT if wait is True else float(wait)
        return max(timeout, seconds + _POSTGRES_GRACE)

    def stored(self, persist: bool | int) -> dict[str, Any]:
        """What the server is told of a broadcast that it is to store; else nothing.

        :param persist: whether it is: True, or for how many seconds.
        :raises ConfigurationError: it is neither, or the channel is not private.
        """
        if persist is False:
            return {}
        if not isinstance(persist, int) or persist < 1:
            raise ConfigurationError("persist must be a bool or whole seconds")
        if not self.private:
            raise ConfigurationError("persist needs a private channel")
        return {"persist": True if persist is True else {"ttl": persist}}
