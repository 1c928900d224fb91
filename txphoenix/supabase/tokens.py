"""The access token of a project's user: asked for, and renewed before it expires.

When it expires is read from the token itself, if it is a JSON web token; whether it is
valid is the server's business.
A token that does not say when it expires is asked for at each join alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from math import isfinite
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from txphoenix.errors import ConfigurationError
from txphoenix.runtime.hooks import ask

__all__ = ["AccessToken", "expiry_of"]

# Renewed so long before its end, or when a fifth of its time is left.
_MARGIN = 60.0
_SHARE = 0.2
# The least seconds between two attempts, and those after one that has failed.
_LEAST_DELAY = 5.0
_RETRY = 10.0
# The seconds that a renewal may take; a join has a limit of its own.
_LONGEST_RENEWAL = 10.0


def expiry_of(token: object) -> float | None:
    """When a token expires, in seconds since 1970, as it says itself; else None."""
    if not isinstance(token, str):
        return None
    try:
        _, body, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        expiry = claims["exp"]
        if isinstance(expiry, bool) or not isinstance(expiry, (int, float)):
            return None
        seconds = float(expiry)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return seconds if isfinite(seconds) else None


class AccessToken:
    """The token of one client.

    :param reactor: tells the time by which tokens expire, and calls later.
    :param source: the token, None for none, or a callable of it.
    :param changed: called with a token that is not the one before.
    :param failed: called with the error of a renewal.
    :ivar current: the token as it was last; None for none yet.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        source: Any,
        changed: Callable[[str | None], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._reactor = reactor
        self._source = source
        self._changed = changed
        self._failed = failed
        self.current: str | None = None if callable(source) else checked(source)
        self._waiters: list[Deferred[str | None]] = []
        self._asking: Deferred[Any] | None = None
        self._renewal: IDelayedCall | None = None
        self._is_running = False
        # Counts what users set, so that an answer asked for before does not win.
        self._set = 0

    def __repr__(self) -> str:
        return "<AccessToken>"

    def start(self) -> None:
        """Renew it from now on."""
        self._is_running = True
        self._plan()

    def stop(self) -> None:
        """Renew it no more; who waits for it is told of a cancellation."""
        self._is_running = False
        self._cancel()
        if self._asking is not None:
            self._give_up_asking()
            self._end_asking(Failure(CancelledError()))

    def ask(self) -> Deferred[str | None]:
        """The token, made anew if there is a callable for it.

        Those who ask at the same time share an answer.
        Where the callable fails, a token that has not expired will do.

        :return: a Deferred of it; it fails with what the callable has raised.
        """
        if not callable(self._source):
            return succeed(self.current)
        waiter: Deferred[str | None] = Deferred(self._forget)
        self._waiters.append(waiter)
        if self._asking is None:
            number = self._set
            self._asking = asking = ensureDeferred(ask(self._source))
            asking.addCallback(self._answered, asking, number)
            asking.addErrback(self._not_answered, asking)
        return waiter

    def set(self, token: str | None) -> None:
        """Take a token of the user."""
        checked(token)
        self._set += 1
        if not callable(self._source):
            self._source = token
        self._take(token)

    def renew(self) -> Deferred[None]:
        """Ask for the token now.

        :return: a Deferred of None; it fails as that of :meth:`ask`.
        """
        return self.ask().addCallback(lambda _: None)

    def _forget(self, waiter: Deferred[str | None]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            if not self._waiters:
                # The next one asks anew: this one may never be answered.
                self._give_up_asking()

    def _give_up_asking(self) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()

    def _answered(self, token: Any, asking: Deferred[Any], number: int) -> None:
        if asking is not self._asking:
            return
        if number == self._set:
            self._take(checked(token))
        self._end_asking(self.current)

    def _not_answered(self, failure: Failure, asking: Deferred[Any]) -> None:
        if asking is not self._asking:
            return
        expiry = expiry_of(self.current)
        if self._is_running and expiry is not None and expiry > self._now():
            self._plan(_RETRY)
            self._tell(failure)
            self._end_asking(self.current)
        else:
            self._end_asking(failure)

    def _end_asking(self, result: Any) -> None:
        self._asking = None
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            # What the one before does may have given it up.
            if not waiter.called:
                waiter.callback(result)

    def _take(self, token: str | None) -> None:
        is_new, self.current = token != self.current, token
        self._plan()
        if is_new:
            self._changed(token)

    def _now(self) -> float:
        return self._reactor.seconds()

    def _cancel(self) -> None:
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            renewal.cancel()

    def _plan(self, delay: float | None = None) -> None:
        self._cancel()
        expiry = expiry_of(self.current)
        if not self._is_running or not callable(self._source) or expiry is None:
            return
        if delay is None:
            left = expiry - self._now()
            delay = max(_LEAST_DELAY, left - min(_MARGIN, left * _SHARE))
            if left <= 0:
                delay = _RETRY
        self._renewal = self._reactor.callLater(delay, self._renew)

    def _renew(self) -> None:
        self._renewal = None
        renewing = self.ask()
        renewing.addTimeout(_LONGEST_RENEWAL, self._reactor, _late)
        renewing.addErrback(self._not_renewed)

    def _tell(self, failure: Failure) -> None:
        if failure.value is not None:
            self._failed(failure.value)

    def _not_renewed(self, failure: Failure) -> None:
        if self._is_running:
            self._tell(failure)
            self._plan(_RETRY)


def _late(result: Any, seconds: float) -> Any:
    raise TimeoutError(f"access_token has not answered in {seconds:g} s")


def checked(token: Any) -> str | None:
    """Check a token, without showing it.

    :raises ConfigurationError: it is neither text nor None.
    """
    if token is not None and (not isinstance(token, str) or not token):
        raise ConfigurationError(
            "access_token must be a str that is not empty, None, or a callable of "
            f"these, not a value of type {type(token).__name__}"
        )
    return token
