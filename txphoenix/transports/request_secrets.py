"""What a request holds of secrets, cut out of what a server says of it.

A server that refuses a request may repeat it: in a page for people, percent-encoded in
a link, escaped in JSON, or as the base64 that a token was sent as.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus

from ..protocol.redact import REDACTED
from ..protocol.url import Target

__all__ = ["RequestSecrets"]

# What is shorter is in any text.
_SHORTEST: Final = 3
# Less of a longer base64 than that is found anywhere.
_SHORTEST_CORE: Final = 8
# Of a text that was cut off, so much of the beginning of a secret is cut out too.
_SHORTEST_BEGINNING: Final = 4
# Nobody writes a problem that is nested any deeper.
_DEEPEST: Final = 20


class RequestSecrets:
    """The secrets of one request: values of its query and headers, and its token.

    :param target: what was requested.
    :param headers: the headers that the user has given, and the cookies.
    :param auth_token: the token, if there is one.
    """

    def __init__(
        self,
        target: Target,
        headers: Mapping[str, str],
        auth_token: str | None = None,
    ) -> None:
        self._target = target
        self._headers = headers
        self._auth_token = auth_token
        self._made_forms: list[str] | None = None

    def __repr__(self) -> str:
        return "<RequestSecrets>"

    def cut_out(self, text: str, is_cut_off: bool = False) -> str:
        """The text with each secret redacted, in whatever form it stands there.

        :param is_cut_off: whether the text may end in the middle of one.
        """
        forms = self._forms
        if not forms or not text:
            return text
        pattern = "|".join(f"{re.escape(form)}(?:={{1,2}})?" for form in forms)
        text = re.sub(pattern, REDACTED, text, flags=re.IGNORECASE)
        if not is_cut_off:
            return text
        lower = text.lower()
        begun = max((_overlap(lower, form.lower()) for form in forms), default=0)
        return text[: len(text) - begun] + REDACTED if begun else text

    def cut_out_of(self, value: Any, depth: int = 0) -> Any:
        """The same of what JSON holds, wherever there is text in it.

        :raises ValueError: it is nested too deeply.
        """
        if isinstance(value, str):
            return self.cut_out(value)
        if isinstance(value, dict | list) and depth > _DEEPEST:
            raise ValueError("nested too deeply")
        if isinstance(value, dict):
            return {
                self.cut_out(name): self.cut_out_of(item, depth + 1)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.cut_out_of(item, depth + 1) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return REDACTED if str(value) in self._forms else value
        return value

    @property
    def _forms(self) -> list[str]:
        """Each secret in each form, the longest first."""
        if self._made_forms is None:
            forms = {
                form
                for secret in set(self._values())
                if len(secret) >= _SHORTEST
                for form in _forms_of(secret)
            }
            self._made_forms = sorted(forms, key=len, reverse=True)
        return self._made_forms

    def _values(self) -> Iterator[str]:
        pairs = parse_qsl(self._target.query, keep_blank_values=True)
        yield from (value for name, value in pairs if name != "vsn")
        for value in self._headers.values():
            yield from _parts_of(value)
        if self._auth_token is not None:
            yield self._auth_token


def _parts_of(value: str) -> Iterator[str]:
    """What of a header's value may be repeated without the rest."""
    yield value
    words = re.split(r"[\s;,]+", value)
    if len(words) > 1 and words[0].isalpha():
        # The scheme of an Authorization, which is no secret.
        scheme = words.pop(0)
        yield value[len(scheme) :].strip()
        if scheme.lower() == "basic":
            yield from _credentials(words[0])
    for word in words:
        yield word
        name, equals, rest = word.partition("=")
        if equals and name:
            yield rest.strip('"')


def _credentials(encoded: str) -> Iterator[str]:
    """The user and the password of a Basic authentication (RFC 7617)."""
    try:
        text = b64decode(encoded + "==").decode("utf-8")
    except ValueError:
        return
    yield text
    yield text.partition(":")[2]


def _forms_of(secret: str) -> Iterable[str]:
    """How a text may be repeated."""
    # It takes a moment to load, and few requests are refused.
    import html

    yield secret
    for ascii_only in (True, False):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
    data = secret.encode("utf-8", "surrogatepass")
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    yield html.escape(secret).replace("&#x27;", "&#39;")
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(data).decode("ascii").rstrip("=")
        for offset in range(3):
            # In the middle of a longer text, its first and last characters depend on
            # what stands beside it.
            core = encode(bytes(offset) + data).decode("ascii").rstrip("=")
            core = core[offset + 1 if offset else 0 : len(core) - 1]
            if len(core) >= _SHORTEST_CORE:
                yield core


def _overlap(text: str, form: str) -> int:
    """How much of the end of a text is the beginning of a form."""
    for size in range(min(len(form) - 1, len(text)), _SHORTEST_BEGINNING - 1, -1):
        if text.endswith(form[:size]):
            return size
    return 0
