"""Rules between two options, which each option alone cannot check.

Each is a validator of :mod:`attrs`, called once all options are checked and set.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import Attribute

from ..errors import ConfigurationError
from ..legible import legible
from ..protocol.redact import redact_word
from ..protocol.serializer import check_version, is_whole

__all__ = [
    "VSN",
    "known_version",
    "no_fallback_of_one_path",
    "no_proxy_and_endpoint",
    "one_version",
    "version_of_the_serializer",
]

VSN: Final = "2.0.0"
"""The version where nothing is given."""


def no_proxy_and_endpoint(made: Any, field: Attribute[Any], proxy: Any) -> None:
    """What is connected to is said once."""
    if made.endpoint is not None and proxy is not None:
        raise ConfigurationError("proxy must be None if endpoint is given")


def no_fallback_of_one_path(made: Any, field: Attribute[Any], seconds: Any) -> None:
    """Two transports have two paths."""
    if made.exact_url and seconds is not None:
        raise ConfigurationError(
            "longpoll_fallback must be None if exact_url is True: the path of one "
            "URL cannot be that of the WebSocket and that of long-poll"
        )


def version_of_the_serializer(made: Any, field: Attribute[Any], vsn: str) -> None:
    """With a whole serializer the version is its own."""
    if not is_whole(made.serializer):
        return
    if vsn != VSN:
        one_version({"vsn": vsn, "serializer": made.serializer})
    object.__setattr__(made, "vsn", str.__str__(made.serializer.vsn))


def known_version(made: Any) -> None:
    """Any other version must have a serializer when it is given.

    It may be unknown again by the time at which another option is changed: those who
    have it keep it.

    :raises ConfigurationError: it has none.
    """
    if not is_whole(made.serializer):
        check_version(made.vsn)


def one_version(given: dict[str, Any], present: object = None) -> dict[str, Any]:
    """What the server is told is said once.

    The default is no other version than the serializer's, but the same text is where
    somebody has given it.

    :param given: options by their names, as somebody gives them.
    :param present: the serializer that a client has had.
    :return: the options, with the default version where one must not stay.
    :raises ConfigurationError: there are two versions.
    """
    serializer = given.get("serializer", present)
    if is_whole(serializer) and given.get("vsn", serializer.vsn) != serializer.vsn:
        raise ConfigurationError(
            f"vsn must be left out, or be {legible(serializer.vsn)} as the serializer "
            f"has it, not {legible(redact_word(given['vsn']))}"
        )
    # With a whole serializer comes and goes its version.
    is_own = is_whole(serializer) or is_whole(present)
    return {"vsn": VSN, **given} if is_own else given
