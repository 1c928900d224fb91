"""Cut secrets out of what is logged, shown or told to telemetry.

Tokens travel in a URL's query, in its userinfo, in headers and in parameters.
So values are cut out and names stay: a name says what was there, and is no secret.
Everything here is pure and takes any input, well formed or not: what cannot be read is
cut out whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

__all__ = [
    "REDACTED",
    "redact_headers",
    "redact_params",
    "redact_url",
    "redact_variable",
    "redact_word",
    "shown",
]

REDACTED = "[redacted]"
"""What stands in a secret's place."""

# Compiled at their first use, which an import need not wait for.
_URL = r"""(?xs)
    (?P<scheme> (?: [A-Za-z][A-Za-z0-9+.-]* : )? // )?
    (?P<userinfo> [^?\#]* @ )?
    (?P<authority> [^/?\#]* )
    (?P<path> [^?\#]* )
    (?P<query> \? [^\#]* )?
    (?P<fragment> \# .* )?
    """

# A port that is none is the beginning of a password that holds a "/", "?" or "#".
_AUTHORITY = r"(?:\[[^\]]*\]|[^:\[\]]*)(?::[0-9]{0,5})?"
# No e-mail address goes on so in a value, but a host does with its port or path.
# Each look ends at the next "@": to the end of a long text, all would take minutes.
_HOST_IN_VALUE = r"@[^&@]*[:/?]"
# As nearly all variables are named, and few tokens are.
_VARIABLE = r"[A-Z_][A-Z0-9_]{0,63}|[a-z_]{1,64}"


def redact_url(url: str) -> str:
    """The URL without its userinfo, the values in its query, and its fragment.

    >>> redact_url("wss://me:pw@host/socket?token=abc&vsn=2.0.0")
    'wss://[redacted]@host/socket?token=[redacted]&vsn=[redacted]'

    Userinfo is taken to reach to the last ``@`` before the query, since a password may
    hold a ``/`` that should have been escaped.
    A URL whose userinfo may reach into the query, or into the fragment, is cut out
    whole.

    :param url: any text; it need not be a valid URL.
    """
    match = re.fullmatch(_URL, url)
    if match is None or re.fullmatch(_AUTHORITY, match["authority"]) is None:
        return REDACTED
    if _may_reach_further(match):
        return REDACTED
    userinfo = f"{REDACTED}@" if match["userinfo"] else ""
    query = match["query"] or ""
    if len(query) > 1:
        query = "?" + "&".join(_redact_pair(pair) for pair in query[1:].split("&"))
    fragment = f"#{REDACTED}" if match["fragment"] else ""
    return "".join(
        [
            match["scheme"] or "",
            userinfo,
            match["authority"],
            match["path"],
            query,
            fragment,
        ]
    )


def _may_reach_further(match: re.Match[str]) -> bool:
    """Whether the host may be a part of userinfo that holds a ``?`` or a ``#``.

    Both should have been escaped there.
    An ``@`` is common in the value of a parameter, where it is an e-mail address, but
    not in a name, and a URL with parameters has a path.
    A ``:`` is in neither a name nor a path as a rule, but between user and password.
    """
    query, fragment = match["query"] or "", match["fragment"] or ""
    if "@" not in query or not match["path"] or re.search(_HOST_IN_VALUE, query):
        return "@" in query + fragment
    names = "".join(pair.partition("=")[0] for pair in query.split("&"))
    return "@" in names + fragment or ":" in match["path"] + names


def _redact_pair(pair: str) -> str:
    """One ``name=value`` of a query without its value; a lone word may be a token."""
    name, equals, _ = pair.partition("=")
    return f"{name}={REDACTED}" if equals else REDACTED


def redact_word(text: Any) -> Any:
    """What came in place of a word or a number, as an error may show it.

    What looks like a URL is redacted as one, and the value of a command line's option
    is cut out.
    Any other text stays, and what is no text.

    >>> redact_word("wss://me:pw@host/socket"), redact_word("--token=abc")
    ('wss://[redacted]@host/socket', '--token=[redacted]')
    >>> redact_word("soon")
    'soon'
    """
    if not isinstance(text, str):
        return text
    name, equals, _ = text.partition("=")
    if equals and name.startswith("-"):
        return f"{name}={REDACTED}"
    is_like_url = "://" in text or "@" in text or "?" in text
    return redact_url(text) if is_like_url else text


def redact_variable(name: str) -> str:
    """The name of an environment variable, unless it may be a value.

    >>> redact_variable("API_TOKEN"), redact_variable("SFMyNTY.g2gDbQ")
    ('API_TOKEN', '[redacted]')
    """
    return name if re.fullmatch(_VARIABLE, name) else REDACTED


def redact_headers(headers: Mapping[str, Any] | Iterable[str]) -> dict[str, str]:
    """The names of the headers, each with :data:`REDACTED` for its value.

    :param headers: a mapping of names to values, or just the names.
    """
    return dict.fromkeys(headers, REDACTED)


def redact_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with each value cut out; nested mappings keep their names.

    >>> redact_params({"token": "abc", "user": {"id": 1}})
    {'token': '[redacted]', 'user': {'id': '[redacted]'}}
    """
    return {
        str(name): redact_params(value) if isinstance(value, Mapping) else REDACTED
        for name, value in params.items()
    }


def shown(value: Any) -> Any:
    """A value of our own settings as something that JSON can hold.

    Text and numbers are kept, so it is for what is no secret.
    A class is shown by its dotted name, a function as ``"<callable>"``, and any other
    object by its class alone: its ``repr`` may hold anything.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): shown(item) for name, item in value.items()}
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, ModuleType):
        return f"<module {value.__name__}>"
    if callable(value):
        return "<callable>"
    return f"<{shown(type(value))}>"
