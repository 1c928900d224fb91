"""Which module imports which, read from the sources, and the circles among them.

An import counts wherever it stands: at the top, in a function, or where only types need
it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

__all__ = ["circles", "imports"]


def imports(*packages: Path) -> dict[str, set[str]]:
    """The modules of some packages, and what each imports of them.

    :param packages: the folders of the packages.
    :return: a module's dotted name -> the names of those that it imports.
    """
    sources = {
        _name(path, package): path
        for package in packages
        for path in package.rglob("*.py")
    }
    return {
        name: _imported(name, path, sources.keys()) - {name}
        for name, path in sources.items()
    }


def circles(graph: Mapping[str, Set[str]]) -> list[list[str]]:
    """The sets of modules each of which imports all others of its set, by any way.

    :return: the names in each, sorted.
    """
    reached = {name: _reached(graph, name) for name in graph}
    found = {
        tuple(sorted(it for it in reached[name] if name in reached[it]))
        for name in graph
    }
    return [list(names) for names in sorted(found) if names]


def _reached(graph: Mapping[str, Set[str]], name: str) -> set[str]:
    """What a module imports, by any way: itself only if it is in a circle."""
    reached: set[str] = set()
    pending = list(graph[name])
    while pending:
        each = pending.pop()
        if each not in reached:
            reached.add(each)
            pending += graph[each]
    return reached


def _name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(name: str, path: Path, known: Set[str]) -> set[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imported = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        for base, member in _named(node, package):
            if f"{base}.{member}" in known:
                imported.add(f"{base}.{member}")
            elif base in known:
                imported.add(base)
    return imported


def _named(node: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    """What one statement imports: each a module, and what of it."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, ""
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = package.split(".")
            kept = parts[: len(parts) - node.level + 1]
            base = ".".join([*kept, base] if base else kept)
        for alias in node.names:
            yield base, alias.name
