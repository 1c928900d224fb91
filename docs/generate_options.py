"""Write what is made from the declarations in ``txphoenix/options/options.py``::

    python docs/generate_options.py

That is the types that type checkers read, of the client and of that for asyncio, the
texts that ``twistd txphoenix --help`` shows, and what ``docs/options.rst`` has of each
option, which can be read on a forge as well.
All of it is checked in; a test tells when it is not what it would be written anew.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from txphoenix.options import options  # noqa: E402 (the path comes first)
from txphoenix.options.fields import declared  # noqa: E402 (as above)

GENERATED = "Written by docs/generate_options.py from txphoenix/options/options.py."

TYPES = '''\
"""The types of the options of a client, for type checkers and editors.

What each option means, its default and its check are in :mod:`txphoenix.options`.
This is what tells that ``SocketClient(url, heartbeet=3)`` is a mistake before it runs.
A function of your own that passes options on is checked in the same way::

    from typing import Unpack

    def make_client(**options: Unpack[ClientOptions]) -> SocketClient:
        return SocketClient("wss://example.org/socket", **options)
"""

# {generated}

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Any, TypedDict

from ..protocol.backoff import Backoff, ErrorBackoff
from ..protocol.json_codecs import JSONCodec
from ..protocol.message import Serializer
from .channel_kinds import AnyChannel, ChannelFactory
from .supplied import Headers, Params, Supplied

__all__ = ["ChangedOptions", "ClientOptions"]


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of :class:`txphoenix.SocketClient`.

    Each is that of :class:`txphoenix.options.Options`.
    """

{types}


class ChangedOptions(ClientOptions, total=False):
    """The keyword arguments of ``reconfigure()``: the URL may change as well."""

    url: {url}
'''

AIO_TYPES = '''\
"""The types of the options of :func:`txphoenix.aio.connect`.

They are those of :class:`txphoenix.ClientOptions`, but for classes of channels, which
are :class:`txphoenix.aio.Channel`'s, and for what may be a coroutine function.
"""

# {generated}

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Any, TypedDict

from txphoenix.backoff import Backoff, ErrorBackoff
from txphoenix.interfaces import JSONCodec, Serializer
from txphoenix.supplied import Headers, Params, Supplied

from .channel import Channel, ChannelFactory

__all__ = ["ChangedOptions", "ClientOptions"]


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of :func:`txphoenix.aio.connect`.

    Each is that of :class:`txphoenix.options.Options`.
    """

{types}


class ChangedOptions(ClientOptions, total=False):
    """The keyword arguments of ``reconfigure()``: the URL may change as well."""

    url: {url}
'''

# Where the client for asyncio takes something else.
AIO = {
    "ChannelFactory[AnyChannel]": "ChannelFactory[Channel]",
    "Callable[[Exception], bool]": "Callable[[Exception], bool | Awaitable[bool]]",
}

TEXTS = '''\
"""What each option is, in a sentence: what ``twistd txphoenix --help`` shows.

A docstring beside an attribute is not there when a program runs, so they are here too.
"""

# {generated}

from __future__ import annotations

__all__ = ["TEXTS"]

TEXTS = {{
{texts}
}}
"""The first paragraphs of the docstrings in :mod:`txphoenix.options`, as plain text."""
'''

OPTION_ROLE = re.compile(r":attr:`(\w+)`")

ROLE = re.compile(r":\w+:`~?([^`]+)`")


def fields() -> tuple[attrs.Attribute[Any], ...]:
    """The options, as they are declared."""
    return attrs.fields(options.Options)


def docstrings(whole: bool = False) -> dict[str, str]:
    """The first paragraph of each option's docstring, in one line of reST.

    :param whole: all of the docstring instead, as it is.
    """
    (body,) = (
        node.body
        for node in ast.parse(inspect.getsource(options)).body
        if isinstance(node, ast.ClassDef) and node.name == "Options"
    )
    return {
        before.target.id: inspect.cleandoc(after.value.value)
        if whole
        else " ".join(after.value.value.partition("\n\n")[0].split())
        for before, after in pairwise(body)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }


def types_module() -> str:
    """The text of ``txphoenix/options/types.py``."""
    types = {field.name: declared(field).takes or field.type for field in fields()}
    url = types.pop("url")
    lines = [f"    {name}: {type_}" for name, type_ in types.items()]
    return TYPES.format(generated=GENERATED, types="\n".join(lines), url=url)


def aio_types_module() -> str:
    """The text of ``txphoenix/aio/option_types.py``."""
    types = {field.name: declared(field).takes or field.type for field in fields()}
    url = types.pop("url")
    lines = [f"    {name}: {type_}" for name, type_ in types.items()]
    text = "\n".join(lines)
    for twisted, asyncio in AIO.items():
        text = text.replace(twisted, asyncio)
    return AIO_TYPES.format(generated=GENERATED, types=text, url=url)


def texts_module() -> str:
    """The text of ``txphoenix/options/texts.py``."""
    lines: list[str] = []
    for name, text in docstrings().items():
        plain = ROLE.sub(r"\1", text).replace("``", "")
        # As ruff writes a string: with the marks that need no escapes.
        quoted = repr(plain) if '"' in plain else '"' + plain + '"'
        line = f'    "{name}": {quoted},'
        if len(line) > 88:
            line = f'    "{name}": (\n        {quoted}\n    ),'
        lines.append(line)
    return TEXTS.format(generated=GENERATED, texts="\n".join(lines))


def tables() -> str:
    """The tables of ``docs/options.rst``, one for each group."""
    return "\n".join([*_tables(), ""])


def _tables() -> Iterator[str]:
    texts = docstrings()
    for title, group in _groups():
        rows = [("option", "type", "default", "reconnects", "what it is")]
        for field in group:
            # What a role links to is on the same page, or in the reference.
            text = ROLE.sub(r"``\1``", texts[field.name])
            rows.append(
                (
                    _link(field.name),
                    kind_text(field),
                    default_text(field),
                    "yes" if declared(field).reconnects else "",
                    text,
                )
            )
        yield from ("", title, "^" * len(title), "")
        yield from (".. table::", "   :class: options", "")
        yield from (f"   {line}" for line in _table(rows))


def descriptions() -> str:
    """What ``docs/options.rst`` has of each option: its docstring, whole."""
    return "\n".join([*_descriptions(), ""])


def _descriptions() -> Iterator[str]:
    texts = docstrings(whole=True)
    for field in fields():
        name = field.name
        reconnects = "yes" if declared(field).reconnects else "no"
        yield from ("", f".. _option-{name}:", "", name, "^" * len(name), "")
        yield OPTION_ROLE.sub(_linked, texts[name])
        yield from ("", f":Type: ``{declared(field).takes or field.type}``")
        yield f":Default: {default_text(field)}"
        yield f":Reconnects: {reconnects}"


def _link(name: str) -> str:
    return f"`{name} <option-{name}_>`__"


def _linked(found: re.Match[str]) -> str:
    name = found.group(1)
    return _link(name) if name in {field.name for field in fields()} else found.group()


def _groups() -> Iterator[tuple[str, list[attrs.Attribute[Any]]]]:
    title = ""
    group: list[attrs.Attribute[Any]] = []
    for field in fields():
        begins = declared(field).group
        if begins is not None:
            if group:
                yield title, group
            title, group = begins, []
        group.append(field)
    yield title, group


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    first, *others = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    yield from (rule, first, rule, *others, rule)


def default_text(field: attrs.Attribute[Any]) -> str:
    """The default of an option, with its unit."""
    default = field.default
    if default is attrs.NOTHING:
        return "must be given"
    if isinstance(default, attrs.Factory):
        return "none"
    unit = declared(field).unit
    if unit == "bytes":
        return f"{default / 1024 / 1024:g} MiB"
    if isinstance(default, float):
        return f"{default:g} s"
    return f'``"{default}"``' if isinstance(default, str) else f"{default}"


# How a type is called in a table, where it is not as short as that.
KINDS = {
    "Any": "object",
    "Backoff | ErrorBackoff": "function",
    "CookieJar | bool": "bool or jar",
    "Headers": "dict",
    "Params": "dict",
    "JSONCodec | Serializer": "object",
    "str | Callable[..., Any]": "str",
}


def kind_text(field: attrs.Attribute[Any]) -> str:
    """The type of an option in few words, with its unit."""
    text = (declared(field).takes or str(field.type)).removesuffix(" | None")
    if text.startswith("Supplied["):
        inner = text[len("Supplied[") : -1].removesuffix(" | None")
        return f"{KINDS.get(inner, inner)} or function"
    if text in KINDS:
        return KINDS[text]
    for start, kind in (
        ("Callable[", "function"),
        ("ChannelFactory[", "class"),
        ("Mapping[", "dict"),
    ):
        if text.startswith(start):
            return f"{kind} or list" if "Sequence[" in text else kind
    if text == "float":
        return "float, seconds"
    unit = declared(field).unit
    return f"{text}, {unit}" if unit else text


def _filled(text: str) -> str:
    parts = {"options": tables(), "descriptions": descriptions()}
    for name, part in parts.items():
        place = re.compile(
            rf"(?<=\.\. begin: {name}\n).*?(?=\n\.\. end: {name}\n)", re.S
        )
        text = place.sub(lambda _, part=part: part, text)
    return text


def files() -> dict[Path, str]:
    """What each file shall hold."""
    package = Path(options.__file__).parent
    page = ROOT / "docs" / "options.rst"
    return {
        package / "types.py": types_module(),
        package / "texts.py": texts_module(),
        package.parent / "aio" / "option_types.py": aio_types_module(),
        page: _filled(page.read_text("utf-8")),
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
