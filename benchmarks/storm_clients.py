"""What the clients in a storm wait before each attempt.

Ours ask the code that the library asks, with the options as they are by default, so
that a change of the default changes what is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from txphoenix.backoff import Backoff, steps
from txphoenix.client.retry_policy import retry_delay
from txphoenix.options.options import Options
from txphoenix.protocol.close_codes import SERVICE_RESTART
from txphoenix.transports.patience import Patience

__all__ = ["CLIENTS", "PHOENIX_JS", "SLIPSTREAM", "Client", "ours"]

PHOENIX_JS = (0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0)
"""The seconds of ``reconnectAfterMs`` in phoenix.js, by default (its socket.js)."""

SLIPSTREAM = (0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Those of ``reconnect_after_msec`` in Slipstream.Configuration: the same."""


@dataclass(frozen=True)
class Client:
    """One kind of client.

    :param title: what it is called.
    :param backoff: makes the delays of its attempts.
    :param is_random: whether that is random.
    :param same_as: the name of the kind whose storm is the same, if there is one.
    """

    title: str
    backoff: Callable[[], Backoff]
    is_random: bool = True
    same_as: str = ""


def ours(close_code: int | None = None) -> Backoff:
    """The delays of this library's clients, with the default options.

    :param close_code: what the connection was closed with; the attempts that fail
        after that have none.
    """
    default = Options(url="ws://localhost/socket")
    patience = Patience(default.reconnect_interval)

    def delay(attempt: int) -> float:
        patience.close_code = None if attempt else close_code
        return retry_delay(default, attempt, patience, 0.0)

    return delay


CLIENTS = {
    "phoenix_js": Client("phoenix.js", lambda: steps(PHOENIX_JS), is_random=False),
    "slipstream": Client(
        "slipstream",
        lambda: steps(SLIPSTREAM),
        is_random=False,
        same_as="phoenix_js" if SLIPSTREAM == PHOENIX_JS else "",
    ),
    "txphoenix": Client("txphoenix", ours),
    "txphoenix_1012": Client(
        "txphoenix, closed with 1012", lambda: ours(SERVICE_RESTART)
    ),
}
"""Each kind by name; the first is what the others are compared with."""
