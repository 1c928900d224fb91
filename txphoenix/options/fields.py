"""How an option is declared: all that there is to say of it, in one place.

:func:`option` is what :class:`txphoenix.options.Options` declares each of them with.
The check at construction, the snapshot, the tables in ``docs/options.rst``, the types
in :mod:`txphoenix.option_types` and the settings of ``twistd txphoenix`` come from it,
and the text of all of them from the docstring below it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar, cast, dataclass_transform

import attrs
from attrs import Attribute, Factory

from ..protocol.redact import shown
from .checks import Check

__all__ = [
    "Declared",
    "declared",
    "make_options",
    "option",
    "options_class",
    "text_type",
]

_T = TypeVar("_T")

# By the types as they are written there.
_TEXT_TYPES: dict[str, type] = {
    "bool": bool,
    "float": float,
    "float | None": float,
    "int": float,
    "str": str,
    "str | None": str,
}


@attrs.frozen(kw_only=True)
class Declared:
    """What is kept of an option beside its name, type and default."""

    check: Check
    """What checks its value, and makes of it what is kept."""

    group: str | None
    """The title of the group that begins with it, if one does."""

    unit: str | None
    """What its number counts, if that is not seconds (``float``)."""

    reconnects: bool
    """Whether a change of it needs a new connection."""

    show: Callable[[Any], Any]
    """What makes its value fit for a snapshot."""

    takes: str | None
    """The type of what is given for it, if that is more than the type that is kept."""

    text: type | None
    """What a text stands for that is given for it, if its type does not tell."""


def option(
    check: Check,
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    validator: Callable[[Any, Attribute[Any], Any], None] | None = None,
    group: str | None = None,
    unit: str | None = None,
    reconnects: bool = False,
    show: Callable[[Any], Any] = shown,
    takes: str | None = None,
    text: type | None = None,
) -> Any:
    """Declare an option: see :class:`Declared`.

    :param default: its value, if none is given; it is checked as well.
    :param factory: what makes such a value for each client, in place of ``default``.
    :param validator: a rule between this option and others, which are all checked by
        then.
    """
    return attrs.field(
        default=default if factory is None else Factory(factory),
        validator=validator,
        metadata={
            Declared: Declared(
                check=check,
                group=group,
                unit=unit,
                reconnects=reconnects,
                show=show,
                takes=takes,
                text=text,
            )
        },
    )


def declared(field: Attribute[Any]) -> Declared:
    """What was declared of an option."""
    return cast(Declared, field.metadata[Declared])


def text_type(field: Attribute[Any]) -> type | None:
    """What a text stands for that is given for an option, on a command line.

    :return: ``str``, ``bool`` (``yes`` or ``no``), ``float`` (any number), or None if
        no text can be given.
    """
    return declared(field).text or _TEXT_TYPES.get(str(field.type))


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(option,)
)
def options_class(cls: type[_T]) -> type[_T]:
    """Make a class of options, which are checked and never change afterwards.

    A default that is no instance's own is the class's, so that an instance need not
    have it: see :func:`make_options`.
    """
    made = attrs.frozen(
        cls, kw_only=True, repr=False, slots=False, field_transformer=_checked
    )
    fields = attrs.fields(cast(Any, made))
    for field in fields:
        if not _is_made_anew(field):
            # Its converter makes what is kept of it.
            setattr(made, field.name, cast(Any, field.converter)(field.default))
    # attrs takes them from the checks, which accept anything.
    vars(made)["__init__"].__annotations__.update(
        {field.name: declared(field).takes or field.type for field in fields}
    )
    return made


def make_options(cls: type[_T], **given: Any) -> _T:
    """Make options as their class does, without a look at those that are not given.

    Most options of most clients are their defaults, and there may be thousands of
    clients: each then has a few attributes for the garbage collector to look at, and
    not all of them.

    :param given: options by their names, of which there must be each, and all that have
        no default.
    :raises ConfigurationError: as the class.
    """
    if "__attrs_attrs__" not in vars(cls):
        # A subclass of the user's may have its own way.
        return cls(**given)
    plan = _plan(cast(Any, cls))
    made = object.__new__(cls)
    keep = object.__setattr__
    # The first of two that are wrong is told of, as the class has it.
    for name in sorted(given, key=plan.places.__getitem__):
        keep(made, name, plan.checks[name](given[name]))
    for name, factory in plan.factories:
        if name not in given:
            keep(made, name, factory())
    for field in plan.ruled:
        field.validator(made, field, getattr(made, field.name))
    return made


class _Plan(NamedTuple):
    """How the options of a class are made."""

    places: dict[str, int]
    checks: dict[str, Callable[[Any], Any]]
    factories: list[tuple[str, Callable[[], Any]]]
    ruled: list[Any]


@cache
def _plan(cls: type[Any]) -> _Plan:
    fields = attrs.fields(cls)
    return _Plan(
        {field.name: place for place, field in enumerate(fields)},
        {field.name: field.converter for field in fields},
        [
            (field.name, field.default.factory)
            for field in fields
            if isinstance(field.default, cast(Any, Factory))
        ],
        [field for field in fields if field.validator is not None],
    )


def _is_made_anew(field: Attribute[Any]) -> bool:
    """Whether each instance must be given a value of its own, or has one made."""
    default: Any = field.default
    return default is attrs.NOTHING or isinstance(default, cast(Any, Factory))


def _checked(cls: type, fields: list[Attribute[Any]]) -> list[Attribute[Any]]:
    """The fields, each with its check, which must know the name.

    A check is a converter: what is kept may be another value than what is given.
    """
    return [field.evolve(converter=_converter(field)) for field in fields]


def _converter(field: Attribute[Any]) -> Callable[[Any], Any]:
    """The check of a field, which has checked the default already.

    Most options of most clients are their defaults.
    """
    check = partial(declared(field).check, field.name)
    default: Any = field.default
    if _is_made_anew(field):
        return check
    kept = check(default)
    return lambda value: kept if value is default else check(value)
