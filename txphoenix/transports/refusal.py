"""The error of a handshake that was refused: what the server has said of it.

Phoenix answers with a status and little more; what stands before it has pages for
people, problems for machines (RFC 9457), and says when to come back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from time import time
from typing import Any, Final

from ..error_texts import handshake_refused
from ..errors import HandshakeRefused
from ..legible import escaped
from .http_body import LONGEST_REFUSAL
from .request_secrets import RequestSecrets
from .retry_after import retry_after

__all__ = ["refused", "told"]

_PROBLEM: Final = "application/problem+json"
# Others would have Python load what decodes more than text.
_CHARSETS: Final = {
    "iso-8859-1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "windows-1252": "windows-1252",
}
_TITLE: Final = re.compile(r"<title[^>]{0,200}>([^<]{0,500})", re.IGNORECASE)
_HTML: Final = re.compile(r"\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)
# Where JSON that is no problem says what is wrong; Phoenix's own errors come first.
_TELLING: Final = ("detail", "message", "reason", "error", "title")


def refused(
    status: int | None,
    headers: Mapping[str, str],
    phrase: str,
    body: bytes = b"",
    secrets: RequestSecrets | None = None,
) -> HandshakeRefused:
    """Make the error of an answer that is no yes.

    :param headers: the answer's, by lower-case names.
    :param phrase: its reason phrase, or what was wrong with it.
    :param body: the beginning of its body, not compressed any more.
    :param secrets: what the request held, to be cut out of what the answer says.
    """
    text, problem, said = _said_by(headers, body, secrets)
    if secrets is not None:
        phrase = secrets.cut_out(phrase)
    if said.strip(" .!").casefold() == phrase.strip().casefold():
        said = ""
    error = told(status, headers, phrase, said)
    error.body, error.problem = text, problem
    error.retry_after = retry_after(headers, time())
    return error


def told(
    status: int | None, headers: Mapping[str, str], phrase: str, said: str
) -> HandshakeRefused:
    """Make such an error of whose text the end is given.

    :param said: what else there is to say, for a person.
    """
    error = HandshakeRefused(status, headers, phrase)
    error.args = (handshake_refused(status, phrase, said),)
    return error


def _said_by(
    headers: Mapping[str, str], body: bytes, secrets: RequestSecrets | None
) -> tuple[str, dict[str, Any] | None, str]:
    """What a body says: its text, the problem that it is, and words for a person."""
    kind, _, parameters = headers.get("content-type", "").lower().partition(";")
    kind = kind.strip()
    is_cut_off = len(body) >= LONGEST_REFUSAL
    text = _decoded(kind, parameters, body[:LONGEST_REFUSAL])
    read = None if is_cut_off else _read_json(text)
    if secrets is not None:
        text = secrets.cut_out(text, is_cut_off)
        try:
            read = secrets.cut_out_of(read)
        except ValueError:
            read = None
    problem = read if kind == _PROBLEM and isinstance(read, dict) else None
    if "html" in kind or _HTML.match(text):
        # It takes a moment to load.
        import html

        title = _TITLE.search(text)
        said = html.unescape(title[1]) if title else ""
    elif isinstance(read, dict):
        said = _said_in(read, problem is not None)
    else:
        said = text
    # One line of it, whatever it is.
    return _legible(text), problem, " ".join(said.split())


def _decoded(kind: str, parameters: str, body: bytes) -> str:
    """The text of a body; nothing if it is none."""
    is_text = kind.startswith("text/") or any(
        name in kind for name in ("json", "xml", "html", "javascript")
    )
    if not is_text and kind:
        return ""
    charset = re.search(r"charset\s*=\s*\"?([\w-]+)", parameters)
    encoding = _CHARSETS.get(charset[1] if charset else "", "utf-8")
    if not kind:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            return ""
    return body.decode(encoding, "replace").removeprefix("\ufeff")


def _read_json(text: str) -> Any:
    """What a text is in JSON; None if it is none, or no object."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _said_in(read: Mapping[str, Any], is_problem: bool) -> str:
    """What an object of JSON says in words; all of it, if it has none of the usual."""
    if is_problem:
        words = [read.get("title"), read.get("detail")]
        told = ": ".join(word for word in words if isinstance(word, str) and word)
        if told:
            return told
    for name in ("errors", "error"):
        inner = read.get(name)
        if isinstance(inner, dict):
            read = inner
    for name in _TELLING:
        word = read.get(name)
        if isinstance(word, str) and word:
            return word
    return json.dumps(read, ensure_ascii=False)


def _legible(text: str) -> str:
    """A text whose control characters are escaped, but for those that lay it out."""
    if text.isprintable():
        return text
    return "".join(it if it in "\n\t" else escaped(it) for it in text)
