"""The headers of a request: what the client says, and what the user says instead.

A header that both have goes out once, with the user's value.
What the client alone may say is refused by
:func:`txphoenix.options.request_checks.check_headers`.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._version import __version__
from ..protocol.url import Target

__all__ = ["request_headers"]

_USER_AGENT = f"txphoenix/{__version__}"


def request_headers(
    target: Target, given: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, str]:
    """The headers of a request, each once, whatever the case of its name.

    :param target: whom the request is for; ``Host`` names it, and comes first (RFC
        9110 section 7.2).
    :param given: the user's headers.
    :param own: the client's, beside ``Host`` and ``User-Agent``.
    """
    rest = {name.lower(): (name, value) for name, value in given.items()}
    ours = {"Host": target.authority, "User-Agent": _USER_AGENT, **own}
    merged = [rest.pop(name.lower(), (name, value)) for name, value in ours.items()]
    return dict([*merged, *rest.values()])
