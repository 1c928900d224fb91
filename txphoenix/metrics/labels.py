"""Labels of bounded number: whatever comes, there are only so many series of it.

What others choose, the status of a reply or a topic, may be anything.
Of each label the first so many values are told apart, and all others are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ..errors import ConfigurationError
from ..legible import legible
from ..runtime.package_log import package_log

__all__ = ["OTHER", "Bounded", "TopicLabels", "Topics", "error_class", "label_text"]

log = Logger("txphoenix.metrics", observer=package_log)

OTHER = "other"
"""The label of all that is too many."""

Topics: TypeAlias = Iterable[str] | Callable[[str], str]
"""Which topics are told apart: patterns, or a function from a topic to its label."""

# The most characters of a label, and the most topics whose label is remembered.
_LONGEST = 100
_REMEMBERED = 10_000


def label_text(text: str) -> str:
    """A text as a label's value: of bounded length, and fit for UTF-8."""
    return text[:_LONGEST].encode("utf-8", "replace").decode("utf-8")


def error_class(error: object) -> str:
    """The name of an error's class."""
    return type(error.value if isinstance(error, Failure) else error).__name__


class Bounded:
    """The values of one label.

    :param limit: how many values are told apart.
    :param known: the first of them.
    """

    __slots__ = ("_labels", "_limit")

    def __init__(self, limit: int, known: Iterable[str] = ()) -> None:
        self._limit = limit
        self._labels = {value: value for value in known}

    def of(self, value: object) -> str:
        """The label of a value, which ought to be a text."""
        if not isinstance(value, str):
            return OTHER
        label = self._labels.get(value)
        if label is not None:
            return label
        if value == OTHER or len(self._labels) >= self._limit:
            return OTHER
        return self._labels.setdefault(value, label_text(value))


class TopicLabels:
    """The label of each topic.

    :param topics: the patterns that are told apart, such as ``"rooms:*"`` or a whole
        topic, of which the longest that fits is the label; or a function that is
        called with a topic and returns its label.
    :param limit: how many labels there are, :data:`OTHER` not counted.
    :raises ConfigurationError: these are no topics, or the limit is not positive.
    """

    def __init__(self, topics: Topics, limit: int) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ConfigurationError(
                f"max_topics must be a positive int, not {limit!r:.100}"
            )
        self._choose = topics if callable(topics) else _Patterns(topics, limit).label
        self._bounded = Bounded(limit)
        self._labels: dict[str, str] = {}
        self._has_failed = False

    def of(self, topic: object) -> str:
        """The label of a topic."""
        if not isinstance(topic, str):
            return OTHER
        label = self._labels.get(topic)
        if label is None:
            if len(self._labels) >= _REMEMBERED:
                self._labels.clear()
            label = self._labels[topic] = self._found(topic)
        return label

    def _found(self, topic: str) -> str:
        try:
            chosen = self._choose(topic)
        except Exception:
            # It is the user's, and one topic must not be the end of all metrics.
            if not self._has_failed:
                self._has_failed = True
                log.failure(
                    "the function that makes labels of topics raised; such topics "
                    "are {other!r}, and this is not logged again",
                    level=LogLevel.error,
                    other=OTHER,
                )
            return OTHER
        return self._bounded.of(chosen)


class _Patterns:
    """Labels by patterns."""

    def __init__(self, patterns: Iterable[str], limit: int) -> None:
        given = [patterns] if isinstance(patterns, str) else patterns
        found = list(given) if isinstance(given, Iterable) else []
        if not found or not all(isinstance(one, str) and one for one in found):
            raise ConfigurationError(
                "topics must be a function, or patterns such as 'rooms:*', not "
                f"{legible(patterns)}"
            )
        if len(set(found)) > limit:
            raise ConfigurationError(
                f"there are {len(set(found))} topics, and max_topics is {limit}"
            )
        self._exact = {one for one in found if not one.endswith("*")}
        prefixes = [one[:-1] for one in found if one.endswith("*")]
        self._prefixes = sorted(prefixes, key=len, reverse=True)

    def label(self, topic: str) -> str:
        """The pattern that a topic fits, the longest of them."""
        if topic in self._exact:
            return topic
        for prefix in self._prefixes:
            if topic.startswith(prefix):
                return f"{prefix}*"
        return OTHER
