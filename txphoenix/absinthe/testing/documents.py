"""What a server has to know of a document: its operations and their root fields.

It is no GraphQL parser: what is below the root fields is skipped.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

__all__ = ["Document", "DocumentSyntaxError", "RootField", "read_document"]

# The tokens of the GraphQL specification (October 2021, section 2.1), as far as
# they matter here; commas, white space and comments are no tokens.
_TOKEN = re.compile(
    r"""
    (?P<skipped> [\s,\ufeff]+ | \#[^\n\r]* )
  | (?P<text> "{3} (?: [^"\\] | \\. | "(?!"") )* "{3}
            | " (?: [^"\\\n] | \\. )* " )
  | (?P<name> [_A-Za-z][_0-9A-Za-z]* )
  | (?P<number> -?[0-9][0-9.eE+-]* )
  | (?P<mark> \.\.\. | [!$&()\[\]{}:=@|] )
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATIONS = ("query", "mutation", "subscription")


class DocumentSyntaxError(ValueError):
    """A document cannot be read.

    :param found: where it goes wrong.
    """

    def __init__(self, found: str) -> None:
        super().__init__(f"syntax error before: {found!r}")


class RootField(NamedTuple):
    """A field that an operation asks for, without what is below it.

    :ivar name: the field's name.
    :ivar key: what its value is called in the data: the alias, or else the name.
    """

    name: str
    key: str


class Document(NamedTuple):
    """What a client has sent with ``doc``.

    :ivar query: the text.
    :ivar variables: the variables.
    :ivar operation: ``"query"``, ``"mutation"`` or ``"subscription"``; of the first
        operation, if there are several.
    :ivar name: the operation's name; None if it has none.
    :ivar fields: its root fields.
    :ivar operations: how many operations the document has.
    """

    query: str
    variables: dict[str, Any]
    operation: str
    name: str | None
    fields: tuple[RootField, ...]
    operations: int


def read_document(query: str, variables: dict[str, Any]) -> Document:
    """Look into a document.

    :raises DocumentSyntaxError: it is none.
    """
    tokens = _Tokens(query)
    found: list[tuple[str, str | None, tuple[RootField, ...]]] = []
    while tokens.next is not None:
        kind, name = _heading(tokens)
        fields = _root_fields(tokens)
        if kind != "fragment":
            found.append((kind, name, fields))
    if not found:
        raise DocumentSyntaxError("")
    kind, name, fields = found[0]
    return Document(query, variables, kind, name, fields, len(found))


class _Tokens:
    """The tokens of a text, one ahead."""

    def __init__(self, text: str) -> None:
        self._found: list[str] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise DocumentSyntaxError(text[at : at + 10])
            if match.lastgroup != "skipped":
                self._found.append(match.group())
            at = match.end()
        self._found.reverse()

    @property
    def next(self) -> str | None:
        """The next token, or None at the end."""
        return self._found[-1] if self._found else None

    def take(self, wanted: str | None = None) -> str:
        """Take the next token, which must be ``wanted`` if that is given."""
        if not self._found or wanted not in (None, self._found[-1]):
            raise DocumentSyntaxError(self.next or "")
        return self._found.pop()

    def skip(self, opening: str, closing: str) -> None:
        """Skip what is between a pair of brackets, if the first comes next."""
        if self.next != opening:
            return
        depth = 0
        while True:
            token = self.take()
            depth += (token == opening) - (token == closing)
            if depth == 0:
                return


def _heading(tokens: _Tokens) -> tuple[str, str | None]:
    """Take what is before an operation's root fields: its kind and its name."""
    if tokens.next == "{":
        return "query", None
    kind = tokens.take()
    if kind not in (*_OPERATIONS, "fragment"):
        raise DocumentSyntaxError(kind)
    name = None
    if tokens.next not in ("{", "(", "@", None):
        name = tokens.take()
    while tokens.next not in ("{", None):
        if tokens.next == "(":
            tokens.skip("(", ")")
        else:
            tokens.take()
    return kind, name


def _root_fields(tokens: _Tokens) -> tuple[RootField, ...]:
    fields: list[RootField] = []
    tokens.take("{")
    while tokens.next != "}":
        key = name = tokens.take()
        if not (name[0].isalpha() or name[0] == "_"):
            raise DocumentSyntaxError(name)
        if tokens.next == ":":
            tokens.take()
            name = tokens.take()
        tokens.skip("(", ")")
        while tokens.next == "@":
            tokens.take()
            tokens.take()
            tokens.skip("(", ")")
        tokens.skip("{", "}")
        fields.append(RootField(name, key))
    tokens.take("}")
    return tuple(fields)
