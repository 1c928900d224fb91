"""Write the pages of the API reference from the docstrings::

    python docs/generate_api.py

Which name is on which page, and under which heading, is said here; what it has, and
what each of that is in a sentence, is asked of the code.
Where a page is built, Sphinx makes the entries of the docstrings, whole.
Where it is read as it is, on a forge or in a clone, there are tables instead, each name
with a link to its source; ``docs/reference.py`` takes these out of what is built.
All of it is checked in; a test tells when it is not what it would be written anew.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import txphoenix  # noqa: E402 (the path comes first)
from txphoenix.options import OPTIONS  # noqa: E402 (as above)

DOCS = ROOT / "docs"
OVERVIEW = DOCS / "api.rst"

WRITTEN = re.compile(r"(?<=\.\. begin: reference\n).*?(?=\n\.\. end: reference)", re.S)

ROLE = re.compile(r":\w+:`(~?)(?:[^`<]*<)?([^`>]+)>?`")


@dataclass(frozen=True)
class Section:
    """A part of a page: its heading, and a module of which it has the public names."""

    title: str
    module: str
    names: tuple[str, ...] | None = None
    """Those of the module, or None for its ``__all__``."""

    has_text: bool = True
    """Whether the docstring of the module is shown."""


# Parts of one class, whose entry has all that they have.
PARTS = {"txphoenix.channel.HookedChannel", "txphoenix.client_hooks.ClientHooks"}

# What it is about comes first.
CLIENT = ("SocketClient", "Buffers", "Buffer")

# The pages, in their order.
PAGES: dict[str, tuple[Section, ...]] = {
    "client": (
        Section("Socket client", "txphoenix.client", CLIENT),
        Section("Hooks of the client", "txphoenix.client_hooks"),
        Section("Handshake", "txphoenix.handshake"),
        Section("TLS", "txphoenix", ("client_tls", "https_agent"), has_text=False),
        Section("Backoff", "txphoenix.backoff"),
        Section("Options", "txphoenix.options"),
        Section("Types of options", "txphoenix.option_types"),
        Section("What may be a function", "txphoenix.supplied"),
        Section("Service maker", "txphoenix.tap", ("makeService",), has_text=False),
    ),
    "channels": (
        Section("Channel", "txphoenix.channel"),
        Section("Presence", "txphoenix.presence"),
        Section("Messages", "txphoenix.message"),
        Section("Echo room", "txphoenix.echo_room"),
        Section("Channel manager", "txphoenix.channels", has_text=False),
    ),
    "errors": (Section("Errors", "txphoenix.errors"),),
    "serializers": (
        Section("Serializers", "txphoenix.serializer"),
        Section("Interfaces", "txphoenix.interfaces"),
    ),
    "telemetry": (
        Section("Telemetry", "txphoenix.telemetry"),
        Section("Metrics", "txphoenix.metrics"),
        Section("OpenTelemetry", "txphoenix.otel"),
    ),
    "testing": (
        Section("Server kit", "txphoenix.testing"),
        Section("Directions of a proxy", "txphoenix.testing.proxy", ("Direction",)),
        Section("Certificates for tests", "txphoenix.testing.tls"),
    ),
    "asyncio": (Section("Client for asyncio", "txphoenix.aio"),),
    "absinthe": (
        Section("Absinthe client", "txphoenix.absinthe"),
        Section("Absinthe server for tests", "txphoenix.absinthe.testing"),
    ),
    "supabase": (
        Section("Supabase client", "txphoenix.supabase"),
        Section("Supabase server for tests", "txphoenix.supabase.testing"),
    ),
    "wamp": (
        Section("WAMP bridge", "txphoenix.wamp"),
        Section("Errors of calls", "txphoenix.wamp.call_errors"),
    ),
}


@dataclass(frozen=True)
class Entry:
    """A public name."""

    path: str
    """What a user imports it as, such as ``txphoenix.Channel``."""

    found: Any

    text: str
    """What is written of it."""

    source: str
    """Its file, from the root of the working copy."""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition(".")[2]

    @property
    def kind(self) -> str:
        """How Sphinx is told what it is."""
        if inspect.isclass(self.found):
            is_error = issubclass(self.found, BaseException)
            return "exception" if is_error else "class"
        return "function" if inspect.isroutine(self.found) else "data"

    @property
    def told(self) -> str:
        """What it is, in a sentence."""
        return first_sentence(self.text)


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, in one line, with names for links."""
    words = " ".join(text.strip().partition("\n\n")[0].split())
    plain = ROLE.sub(lambda found: f"``{shown(*found.groups())}``", words)
    found = re.match(r"(?:``.*?``|[^`])*?[.:](?= [A-Z]|$)", plain)
    return (found.group() if found else plain).rstrip(":")


def shown(mark: str, target: str) -> str:
    """What a link has for its text."""
    is_short = mark or target.startswith("txphoenix.")
    return target.rpartition(".")[2] if is_short else target


def entries(section: Section) -> list[Entry]:
    """The names of a section, in the order of its module."""
    module = import_module(section.module)
    names = section.names or getattr(module, "__all__", ())
    return [entry(module.__name__, name) for name in names]


@cache
def entry(module_name: str, name: str) -> Entry:
    """A name of a module."""
    found = getattr(import_module(module_name), name)
    module, text = written(module_name, name)
    if inspect.isclass(found) or inspect.isroutine(found):
        # What is written where it got its name says more of it than Python does.
        text = text or inspect.getdoc(found) or ""
    path = f"{module_name}.{name}"
    if name in txphoenix.__all__ and getattr(txphoenix, name) is found:
        path = f"txphoenix.{name}"
    file = Path(inspect.getfile(import_module(module)))
    return Entry(path, found, text, file.relative_to(ROOT).as_posix())


@cache
def tree(module: str) -> ast.Module:
    """What is written in a module."""
    return ast.parse(inspect.getsource(import_module(module)))


def written(module_name: str, name: str) -> tuple[str, str]:
    """Where a name is made: the module, and what is written of it there if it is data.

    A module that hands it on has it from another.
    """
    package = import_module(module_name).__package__ or module_name
    for node in tree(module_name).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    parts = package.split(".")[: 1 - node.level or None]
                    parts = parts if node.level else []
                    source = ".".join([*parts, *filter(None, [node.module])])
                    if source.startswith("txphoenix"):
                        return written(source, alias.name)
    for node in ast.walk(tree(module_name)):
        # The package itself loads its names late, and tells type checkers of them.
        if (
            isinstance(node, ast.ImportFrom)
            and module_name == "txphoenix"
            and any(alias.name == name for alias in node.names)
        ):
            return written(f"txphoenix.{node.module}", name)
    return module_name, attribute_texts(tree(module_name).body).get(name, "")


def attribute_texts(body: list[ast.stmt]) -> dict[str, str]:
    """The docstrings below the variables of a module or a class."""
    found = {}
    for before, after in pairwise(body):
        targets = getattr(before, "targets", [getattr(before, "target", None)])
        if (
            isinstance(before, ast.Assign | ast.AnnAssign)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = inspect.cleandoc(after.value.value)
    return found


@cache
def own_attribute_texts(cls: type) -> dict[str, str]:
    """The docstrings below the variables in the body of a class."""
    source = textwrap.dedent(inspect.getsource(cls))
    (node,) = ast.parse(source).body
    return attribute_texts(node.body) if isinstance(node, ast.ClassDef) else {}


def is_ours(cls: type) -> bool:
    """Whether a class is of this library, and not of one that it uses."""
    return cls.__module__.partition(".")[0] == "txphoenix"


def own(cls: type) -> dict[str, Any]:
    """What a class itself gives a meaning, by name.

    What is of a base stays the base's, also where a test has replaced it in the class
    and put it back: the class holds it from then on.
    """
    bases = [vars(base) for base in cls.__mro__[1:]]
    return {
        name: value
        for name, value in vars(cls).items()
        if not any(name in base and base[name] is value for base in bases)
    }


def members(cls: type) -> dict[str, str]:
    """What users may use of a class, by name: what is written of it.

    That is each name without an underscore in front that the class, or a base of it
    that is ours, gives a meaning and a docstring, or that its docstring lists.
    What others have given it, such as Twisted's ``setServiceParent``, they tell.
    """
    found: dict[str, str] = {}
    for base in (base for base in cls.__mro__ if is_ours(base)):
        texts = own_attribute_texts(base)
        for name in [*own(base), *texts]:
            if not name.startswith("_") and not found.get(name):
                found[name] = texts.get(name) or member_text(base, name)
    return found


def member_text(cls: type, name: str) -> str:
    """The docstring of a method or a property."""
    value = inspect.getattr_static(cls, name)
    if isinstance(value, property | classmethod | staticmethod):
        return inspect.getdoc(value) or ""
    value = getattr(cls, name, None)
    return (inspect.getdoc(value) or "") if inspect.isroutine(value) else ""


def listed(cls: type) -> set[str]:
    """The attributes that the docstrings of a class and its bases list."""
    texts = [inspect.getdoc(base) or "" for base in cls.__mro__ if is_ours(base)]
    return {
        name
        for text in texts
        for name in re.findall(r"^:(?:ivar|param) (\w+):", text, re.M)
    }


def has_own_text(cls: type, name: str) -> bool:
    """Whether it is the class itself that says what a member is."""
    value = own(cls).get(name)
    is_method = inspect.isroutine(value) or isinstance(value, property)
    return name in own_attribute_texts(cls) or bool(is_method and value.__doc__)


@cache
def documented() -> dict[type, Entry]:
    """The classes of all pages."""
    return {
        each.found: each
        for sections in PAGES.values()
        for section in sections
        for each in entries(section)
        if inspect.isclass(each.found)
    }


def shown_members(cls: type) -> dict[str, str]:
    """Those that the entry of a class has: not what a base has in its own entry.

    What its docstring lists is there already.
    """
    others = {
        name
        for base in cls.__mro__[1:]
        if base in documented() and documented()[base].path not in PARTS
        for name in members(base)
    }
    path = documented()[cls].path if cls in documented() else ""
    if path in PARTS:
        return {}
    # The options have a page of their own.
    elsewhere = OPTIONS.keys() if path == "txphoenix.options.Options" else set()
    return {
        name: text
        for name, text in members(cls).items()
        if name not in elsewhere
        and (name not in others or has_own_text(cls, name))
        and (text or name not in listed(cls))
    }


def signature(name: str, value: Any) -> str:
    """How something is called: its arguments, without their types."""
    try:
        parameters = [*inspect.signature(value).parameters.values()]
    except (TypeError, ValueError):
        return name
    bare = []
    for each in parameters:
        default = each.default
        if default is not each.empty and not re.fullmatch(
            r"[\w.'\"{}()-]*", repr(default)
        ):
            default = ...
        bare.append(each.replace(annotation=each.empty, default=default))
    text = str(inspect.Signature(bare)).replace("Ellipsis", "...")
    return name + text.replace("(self, /, ", "(").replace("(self, ", "(").replace(
        "(self)", "()"
    )


def call(cls: type, name: str) -> str:
    """How a member of a class is used."""
    value = inspect.getattr_static(cls, name, None)
    if value is None or isinstance(value, property):
        return name
    value = getattr(cls, name)
    if not inspect.isroutine(value):
        return name
    return signature(name, value)


def is_legible(value: Any) -> bool:
    """Whether what a value has for its text says something to people."""
    text = repr(value)
    return len(text) < 100 and not re.search(r"[<~]|\[\]", text)


def table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """A simple table of reST."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    first, *others = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    yield from (rule, first, rule, *others, rule)


def link(each: Entry, up: str) -> str:
    """A name with a link to its source, which a build takes to its entry."""
    return f"`{each.path} <{up}{each.source}>`__"


def clone_text(section: Section) -> Iterator[str]:
    """What is in the place of Sphinx's entries where nobody builds them."""
    if section.has_text:
        yield from inspect.cleandoc(import_module(section.module).__doc__ or "").split(
            "\n"
        )
        yield ""
    for each in entries(section):
        yield from ("", f".. rubric:: {each.path}", "")
        yield f"{each.told or each.name} (`source <../../{each.source}>`__)"
        yield ""
        if inspect.isclass(each.found):
            rows = [
                (f"``{call(each.found, name)}``", first_sentence(text))
                for name, text in shown_members(each.found).items()
                if text
            ]
            if rows:
                yield from (*table([("name", "what it is"), *rows]), "")
        elif each.kind == "function":
            yield from (f"``{signature(each.name, each.found)}``", "")


def directives(section: Section) -> Iterator[str]:
    """What has Sphinx make the entries."""
    if section.has_text:
        yield from (f".. automodule:: {section.module}", "   :no-members:", "")
    for each in entries(section):
        yield f".. auto{each.kind}:: {each.path}"
        if each.kind == "data" and not is_legible(each.found):
            yield "   :no-value:"
        if inspect.isclass(each.found):
            names = shown_members(each.found)
            if names:
                lines = textwrap.wrap(", ".join(names), 88 - 13)
                yield f"   :members: {lines[0]}"
                yield from (f"      {line}" for line in lines[1:])
            else:
                yield "   :no-members:"
        yield ""


def page(sections: tuple[Section, ...]) -> Iterator[str]:
    """What is written into a page."""
    for section in sections:
        yield from ("", section.title, "-" * len(section.title), "")
        yield from (".. container:: clone", "")
        text = "\n".join(clone_text(section))
        yield textwrap.indent(re.sub(r"\n{3,}", "\n\n", text).strip("\n"), "   ")
        yield ""
        yield from directives(section)


def overview() -> Iterator[str]:
    """The tables of the overview."""
    every = [
        each
        for sections in PAGES.values()
        for section in sections
        for each in entries(section)
    ]
    names = [it for it in every if it.path.count(".") == 1 and it.kind != "exception"]
    title = "Names of txphoenix"
    yield from ("", title, "-" * len(title), "")
    yield "Beside these there are the errors."
    yield ""
    yield from table(
        [("name", "what it is"), *((link(it, "../"), it.told) for it in names)]
    )
    for name, sections in PAGES.items():
        text = (DOCS / "api" / f"{name}.rst").read_text("utf-8")
        title, *_ = text.split("\n")
        yield from (
            "",
            title,
            "-" * len(title),
            "",
            f"All of it: `{title} <api/{name}.rst>`__.",
            "",
        )
        rows = [
            (link(each, "../"), each.told)
            for section in sections
            for each in entries(section)
        ]
        yield from table([("name", "what it is"), *rows])


def files() -> dict[Path, str]:
    """What each file shall hold."""
    made = {DOCS / "api" / f"{name}.rst": page(it) for name, it in PAGES.items()}
    made[OVERVIEW] = overview()
    return {
        path: WRITTEN.sub(
            lambda _, lines=lines: "\n".join([*lines, ""]), path.read_text("utf-8")
        )
        for path, lines in made.items()
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
