"""Whether there is another attempt, and after what delay: what the options say of it.

Both may ask a callable of the user's; whatever that raises, there is an answer.
"""

from __future__ import annotations

from twisted.logger import Logger, LogLevel

from ..errors import ConfigurationError
from ..options.options import Options
from ..options.shown_name import shown_name
from ..protocol import backoff
from ..protocol.close_codes import SERVICE_RESTART, TRY_AGAIN_LATER
from ..runtime.package_log import package_log
from ..transports.patience import Patience

__all__ = ["retry_delay", "shall_retry"]

log = Logger("txphoenix.retry_policy", observer=package_log)


def shall_retry(options: Options, reason: Exception) -> bool:
    """Whether to try again after an attempt, or a transport, that has ended so."""
    if not options.reconnect:
        return False
    if isinstance(reason, ConfigurationError) and not _asks_anew(options):
        # It would be the same each time.
        return False
    decide = options.should_reconnect
    if decide is None:
        return True
    try:
        return bool(decide(reason))
    except BaseException:
        log.failure(
            "{client}: should_reconnect raised; trying again",
            level=LogLevel.error,
            client=shown_name(options),
        )
        return True


def retry_delay(
    options: Options, attempt: int, patience: Patience, now: float
) -> float:
    """The seconds to wait before an attempt.

    :param attempt: which one after the last that has lasted; the first is number 0.
    :param patience: knows how the latest has ended.
    :param now: the time, as it goes by.
    """
    try:
        delay = backoff.checked(options.retry_delay(attempt, patience.error))
    except BaseException:
        log.failure(
            "{client}: backoff raised; the default delay is used",
            level=LogLevel.error,
            client=shown_name(options),
        )
        delay = backoff.reconnect(options.reconnect_interval)(attempt)
    if patience.close_code == SERVICE_RESTART:
        delay = backoff.after_restart(delay, options.reconnect_interval)
    elif patience.close_code == TRY_AGAIN_LATER:
        delay = backoff.after_overload(delay, options.reconnect_interval)
    return max(patience.shortened(delay, now), _asked_for(options, patience, now))


def _asked_for(options: Options, patience: Patience, now: float) -> float:
    """For how long the server wants not to be asked again, spread; 0 for no wish."""
    if patience.retry_at is None:
        return 0.0
    longest = options.max_retry_after
    if longest is None:
        longest = options.reconnect_interval
    return backoff.after_refusal(max(0.0, patience.retry_at - now), longest)


def _asks_anew(options: Options) -> bool:
    """Whether an attempt asks a callable, which may answer otherwise next time."""
    asked = (options.url, options.params, options.headers, options.auth_token)
    return any(map(callable, (*asked, options.endpoint, options.transport)))
