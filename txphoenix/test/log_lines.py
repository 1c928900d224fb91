"""Every line that a client can log, as the library's source has it.

What a call of a logger is given is read out of the source: the text of the line, with
its fields in braces, and the levels that it may have.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import txphoenix

__all__ = ["Line", "log_lines"]

# What a client is made of, and the integrations; neither the server kit nor the
# command line logs for it.
PACKAGES = (
    "absinthe",
    "aio",
    "channels",
    "client",
    "metrics",
    "options",
    "otel",
    "protocol",
    "runtime",
    "service",
    "supabase",
    "telemetry",
    "transports",
    "wamp",
)
_METHODS = {"debug", "info", "warn", "error", "critical", "failure", "emit", "_tell"}
_OWNERS = {"log", "bridge_log", "self._logger"}
# The texts of the debug handler and of Autobahn are not the library's to list.
_MADE_ELSEWHERE = {"debug_handler.py", "quiet_log.py", "package_log.py", "repeats.py"}


class Line(NamedTuple):
    """A line, wherever it is logged."""

    text: str
    levels: frozenset[str]
    module: str


def log_lines() -> list[Line]:
    """All of them, in the order of the modules."""
    root = Path(txphoenix.__file__).parent
    found: list[Line] = []
    for package in PACKAGES:
        for path in sorted((root / package).glob("*.py")):
            if path.name not in _MADE_ELSEWHERE:
                tree = ast.parse(path.read_text("utf-8"))
                for function in ast.walk(tree):
                    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                        found += _lines_of(function, f"{package}/{path.name}")
    return list(dict.fromkeys(found))


def _lines_of(function: ast.AST, module: str) -> Iterator[Line]:
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not _is_log(node.func):
            continue
        levels = frozenset(_levels(node, assigned))
        if not all(levels):
            # Another method of that name, which is given no level.
            continue
        for argument in node.args[:3]:
            for text in _texts(argument, assigned):
                yield Line(text, levels, module)


def _is_log(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in _METHODS:
        return False
    owner = ast.unparse(function.value)
    return owner in _OWNERS or function.attr in ("emit", "_tell")


def _levels(call: ast.Call, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    named = [
        part.attr
        for argument in [*call.args, *(each.value for each in call.keywords)]
        for value in [argument, *_values(argument, assigned)]
        for part in ast.walk(value)
        if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "LogLevel"
    ]
    assert isinstance(call.func, ast.Attribute)
    own = {"failure": "critical", "emit": "", "_tell": ""}
    yield from named or [own.get(call.func.attr, call.func.attr)]


def _values(argument: ast.expr, assigned: dict[str, list[ast.expr]]) -> list[ast.expr]:
    return assigned.get(argument.id, []) if isinstance(argument, ast.Name) else []


def _texts(argument: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    for value in [argument, *_values(argument, assigned)]:
        if isinstance(value, ast.IfExp):
            yield from _texts(value.body, assigned)
            yield from _texts(value.orelse, assigned)
        elif isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
        elif isinstance(value, ast.JoinedStr):
            yield _joined(value, assigned)


def _joined(value: ast.JoinedStr, assigned: dict[str, list[ast.expr]]) -> str:
    """A text that is put together: what is not its own is three dots."""
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "..."
        for part in value.values
    )
