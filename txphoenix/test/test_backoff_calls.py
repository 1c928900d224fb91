"""Tests of :mod:`txphoenix.runtime.backoff_calls`."""

from __future__ import annotations

import functools
from typing import Any
from unittest.mock import Mock

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.runtime.backoff_calls import with_error

ERROR = ValueError("why")


class Called:
    """An object that can be called, and takes the error."""

    def __call__(self, failures: int, error: Any) -> Any:
        """Tell what it was given."""
        return failures, error

    def method(self, failures: int, error: Any) -> Any:
        """Tell what it was given."""
        return failures, error

    def short(self, failures: int) -> Any:
        """Tell what it was given."""
        return (failures,)


def wrapped(failures: int, error: Any) -> Any:
    """What decorators wrap."""
    return failures, error


@functools.wraps(wrapped)
def passes_all(*args: Any, **kwargs: Any) -> Any:
    """A decorator that hands all on."""
    return wrapped(*args, **kwargs)


@functools.wraps(wrapped)
def passes_one(failures: int) -> Any:
    """A decorator that takes less than what it wraps."""
    return (failures,)


class Odd:
    """Its signature raises."""

    @property
    def __signature__(self) -> Any:
        raise ZeroDivisionError

    def __call__(self, *args: Any) -> Any:
        """Tell what it was given."""
        return args


def by_keyword(failures: int, *, error: Any) -> Any:
    """It wants the error by its name."""
    return failures, error


def two_and_error(failures: int, base: int = 2, error: Any = None) -> Any:
    """It has the error behind something else."""
    return failures, error, base


def powers(failures: int, base: int = 2) -> Any:
    """A backoff as there were some before, whose second argument is another thing."""
    return failures, base


class WithErrorTests(SynchronousTestCase):
    """:func:`with_error`."""

    def test_takes_it(self) -> None:
        """Each of these is given both."""
        for backoff in (
            lambda failures, error: (failures, error),
            lambda failures, why: (failures, why),
            lambda failures, why, /: (failures, why),
            lambda failures, error=None: (failures, error),
            lambda failures, error=None, /: (failures, error),
            lambda *args, error: (*args, error),
            by_keyword,
            functools.partial(lambda base, failures, error: (failures, error), 7),
            functools.partial(lambda failures, error, base: (failures, error), base=7),
            Called(),
            Called().method,
            passes_all,
            functools.cache(lambda failures, error: (failures, error)),
        ):
            with self.subTest(backoff=backoff):
                self.assertEqual(with_error(backoff)(3, ERROR), (3, ERROR))
        self.assertEqual(with_error(two_and_error)(3, ERROR), (3, ERROR, 2))

    def test_takes_one(self) -> None:
        """Each of these is given the number alone, as it always was."""
        for backoff in (
            lambda failures: (failures,),
            lambda error: (error,),
            lambda *args: args,
            lambda *args, **kwargs: args,
            lambda failures, *rest: (failures, *rest),
            functools.partial(lambda failures, base: (failures,), base=7),
            functools.partial(lambda failures, error: (failures,), error="mine"),
            functools.partial(lambda failures, base=2: (failures,)),
            Called().short,
            passes_one,
            functools.cache(lambda failures: (failures,)),
            Odd(),
            Mock(side_effect=lambda *args: args),
        ):
            with self.subTest(backoff=backoff):
                self.assertEqual(with_error(backoff)(3, ERROR), (3,))
        self.assertEqual(with_error(powers)(3, ERROR), (3, 2))
        self.assertEqual(with_error(float)(3, ERROR), 3.0)
        self.assertEqual(with_error(abs)(-3, ERROR), 3)
        self.assertEqual(with_error([5.0, 6.0].__getitem__)(1, ERROR), 6.0)

    def test_asked_once(self) -> None:
        """The signature is looked at once, and not at each call."""
        looks: list[None] = []

        class Counted(Odd):
            @property
            def __signature__(self) -> Any:
                looks.append(None)
                raise ZeroDivisionError

        call = with_error(Counted())
        before = len(looks)
        call(1, ERROR)
        call(2, ERROR)
        self.assertEqual(len(looks), before)
