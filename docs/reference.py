"""What Sphinx is told of the API reference, and of links to names in all pages.

Names of others lead to their references, by the inventories that are checked in
(``docs/generate_inventories.py``), for a build asks nothing of the network.
Names of ours lead to their entries, by whichever of their paths they are called.
A name that leads nowhere is a warning.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar, cast, get_origin

from docutils import nodes
from docutils.nodes import make_id
from generate_api import PAGES, documented, entries, written
from generate_inventories import ADDRESSES
from sphinx.addnodes import desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.domains.python import ObjectEntry, PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.ext.intersphinx import resolve_reference_any_inventory
from sphinx.pycode import ModuleAnalyzer
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from zope.interface.interface import InterfaceClass

from txphoenix.options import OPTIONS, Options

# Interfaces of others in our annotations are from these.
INTERFACES = (
    "twisted.application.service",
    "twisted.internet.interfaces",
    "twisted.web.iweb",
)

# What is shown of an object that has no name, or of a name that is not for people.
UNTOLD = (" at 0x", "<", "~", "NoneType", "_EMPTY", "functools.partial")

log = logging.getLogger(__name__)

SETTINGS: dict[str, Any] = {
    # The order of a module is the order in which it is best read.
    "autodoc_member_order": "bysource",
    "autodoc_typehints": "signature",
    # Names of types without their packages: the signatures are for people.
    "autodoc_typehints_format": "short",
    "autodoc_default_options": {"show-inheritance": True},
    "python_use_unqualified_type_names": True,
    # One argument a line as soon as a signature does not fit on one.
    "maximum_signature_line_length": 88,
    "intersphinx_mapping": {
        name: (address, f"inventories/{name}.inv")
        for name, address in ADDRESSES.items()
    },
    "nitpicky": True,
}


def facades() -> dict[str, list[str]]:
    """The modules of the reference, and the variables of each, which it may hand on."""
    return {
        section.module: [it.name for it in entries(section) if it.kind == "data"]
        for section in chain(*PAGES.values())
    }


def analyzed(module: str) -> ModuleAnalyzer:
    """What is written of a module's variables, those that it re-exports included.

    Sphinx reads it in the module that it documents, where an import has none.
    """
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    for name in facades()[module]:
        told = ModuleAnalyzer.for_module(written(module, name)[0])
        told.analyze()
        key = ("", name)
        if key in told.attr_docs:
            analyzer.attr_docs[key] = told.attr_docs[key]
        if key in told.annotations:
            analyzer.annotations[key] = told.annotations[key]
    return analyzer


def settle(app: Sphinx, config: Config) -> None:
    """Set what the reference needs."""
    for name, value in SETTINGS.items():
        config[name] = value
    for module in INTERFACES:
        for name, value in vars(import_module(module)).items():
            if isinstance(value, InterfaceClass):
                # By this Sphinx knows what has a name; else it shows the object.
                value.__qualname__ = name
    for module in facades():
        analyzed(module)


class Clone(SphinxTransform):
    """Takes out what is for those who read a page where nobody builds it."""

    default_priority = 1

    def apply(self, **kwargs: Any) -> None:
        """Do so."""
        for node in list(self.document.findall(nodes.container)):
            if "clone" in node["classes"]:
                node.parent.remove(node)


class Sources(SphinxTransform):
    """Leads links of a clone elsewhere in what is built.

    A public name leads to its entry, and not to its source, and a page to that page.
    """

    default_priority = 2

    def apply(self, **kwargs: Any) -> None:
        """Do so."""
        here = self.env.docname
        for node in list(self.document.findall(nodes.reference)):
            place = node.get("refuri", "")
            if "/txphoenix/" in place:
                target = node.astext()
                name = nodes.literal(target, target, classes=["xref", "py"])
                link = pending_xref("", name, refdomain="py", reftype="obj")
                link.update_all_atts(
                    {"reftarget": target, "refwarn": True, "refdoc": here}
                )
                node.replace_self(link)
            elif re.fullmatch(r"api/\w+\.rst", place):
                page = place.removesuffix(".rst")
                node["refuri"] = self.app.builder.get_relative_uri(here, page)
                node["internal"] = True


def meanings(target: str, node: pending_xref) -> Iterator[Any]:
    """What a name may mean where it stands, the nearest first."""
    module, cls = node.get("py:module"), node.get("py:class")
    for place in (f"{module}.{cls}", module, "txphoenix"):
        start = found_at(place) if place else None
        for each in (start, inspect.getmodule(start)):
            found = got(each, target)
            if found is not None:
                yield found
    found = found_at(target)
    if found is not None:
        yield found
    # What a module hands on is written in the names of another.
    for name in sorted(sys.modules):
        if name.startswith("txphoenix."):
            found = got(sys.modules[name], target)
            if found is not None:
                yield found
                return


def got(start: Any, path: str) -> Any:
    """What attributes lead to, or None."""
    found = start
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


@cache
def found_at(path: str) -> Any:
    """What a dotted path leads to, or None."""
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:count]))
        except ImportError:
            continue
        return got(found, ".".join(parts[count:])) if parts[count:] else found
    return None


class Entries:
    """The entries of the reference, by what they are of."""

    def __init__(self, objects: dict[str, ObjectEntry]) -> None:
        self._by_object: dict[int, ObjectEntry] = {}
        self._by_name: dict[str, list[ObjectEntry]] = {}
        for path, entry in objects.items():
            if not entry.aliased:
                self._by_object.setdefault(id(found_at(path)), entry)
                self._by_name.setdefault(path.rpartition(".")[2], []).append(entry)

    def of(self, found: Any) -> ObjectEntry | None:
        """That of an object."""
        return self._by_object.get(id(found))

    def named(self, name: str) -> ObjectEntry | None:
        """The one that has the name, if it is one."""
        entries = self._by_name.get(name.rpartition(".")[2], [])
        return entries[0] if len(entries) == 1 else None


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Lead a name to its entry, where that has another path."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    option = target.removeprefix("txphoenix.options.Options.")
    if option in OPTIONS:
        return linked(app, env, node, content, "options", f"option-{make_id(option)}")
    entries = known(env)
    found = None
    for found in meanings(target, node):
        if isinstance(found, TypeVar):
            # It has no entry, and its name says what it stands for.
            name = found.__name__.lstrip("_").removesuffix("_contra")
            return nodes.inline("", name.removesuffix("_co"))
        entry = entries.of(found)
        if entry is not None:
            return linked(app, env, node, content, entry.docname, entry.node_id)
        path = f"{found.__module__}.{found.__qualname__}" if named(found) else target
        if path != target:
            node["reftarget"] = path
            other = resolve_reference_any_inventory(env, False, node, content)
            node["reftarget"] = target
            if other is not None:
                return other
    entry = entries.named(target)
    if entry is not None:
        return linked(app, env, node, content, entry.docname, entry.node_id)
    if is_module(target):
        return content
    # What is there and has no entry is of the inside: the words of the reference tell
    # none of it, and its signatures no more than the name.
    is_inside = target.startswith("txphoenix.") and found is not None
    is_told = node.get("refdoc", env.docname).startswith("api/")
    is_word = isinstance(content, nodes.literal)
    is_let = (is_inside or is_ours(found)) and not (is_told and is_word)
    return content if is_let else None


def known(env: BuildEnvironment) -> Entries:
    """The entries, once all pages have been read."""
    found: Entries | None = getattr(env, "txphoenix_entries", None)
    if found is None:
        found = Entries(cast(PythonDomain, env.get_domain("py")).objects)
        env.txphoenix_entries = found  # type: ignore[attr-defined]
    return found


def named(found: Any) -> bool:
    """Whether an object knows its path."""
    return hasattr(found, "__module__") and hasattr(found, "__qualname__")


def is_module(target: str) -> bool:
    """Whether it is a module of this library, even if that cannot be imported here."""
    try:
        return target.startswith("txphoenix.") and find_spec(target) is not None
    except ImportError:
        return False


def is_ours(found: Any) -> bool:
    """Whether it is of this library."""
    module = inspect.getmodule(found)
    return module is not None and module.__name__.startswith("txphoenix")


def linked(
    app: Sphinx,
    env: BuildEnvironment,
    node: pending_xref,
    content: nodes.Element,
    page: str,
    anchor: str,
) -> nodes.reference:
    """A link to a place on one of our pages."""
    here = node.get("refdoc", env.docname)
    address = app.builder.get_relative_uri(here, page) + f"#{anchor}"
    return nodes.reference("", "", content, internal=True, refuri=address)


def readable(
    app: Sphinx,
    kind: str,
    name: str,
    found: Any,
    options: Any,
    arguments: str | None,
    result: str | None,
) -> tuple[str | None, str | None] | None:
    """Show a signature as one that somebody writes: no objects, no list of options."""
    if found is Options:
        return "(**options)", None
    if arguments is None:
        return None
    # What has no text of its own, such as a default that is made anew each time.
    return re.sub(r"(?<==)(\s*)<[^<>]*>", r"\1...", arguments), result


def bases(app: Sphinx, name: str, cls: type, options: Any, shown: list[Any]) -> None:
    """Show the bases that have an entry, or are of others, in place of the inside's."""
    found = dict.fromkeys(public for base in shown for public in public_bases(base))
    shown[:] = found or [object]


def public_bases(base: Any) -> Iterator[Any]:
    """A base, or what that has for bases where it is of the inside."""
    origin = get_origin(base) or base
    if origin in documented() or not is_ours(origin):
        yield base
        return
    for other in origin.__bases__:
        if other not in (object, Generic, Protocol):
            yield from public_bases(other)


def check_signatures(app: Sphinx, page: nodes.document, name: str) -> None:
    """Warn of what a signature shows that is no name."""
    for entry in page.findall(desc_signature):
        text = entry.astext()
        for mark in UNTOLD:
            if mark in text:
                told = "%s shows %r, which tells nothing"
                log.warning(told, text, mark, location=entry)


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx do all this."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.intersphinx")
    app.connect("config-inited", settle, priority=1)
    app.connect("missing-reference", resolve, priority=900)
    app.add_css_file("reference.css")
    app.connect("doctree-resolved", check_signatures)
    app.connect("autodoc-process-bases", bases)
    app.connect("autodoc-process-signature", readable)
    app.add_transform(Clone)
    app.add_transform(Sources)
    return {"parallel_read_safe": True}
