"""What was typed: whether it is complete, and where it is wrong."""

from __future__ import annotations

from prompt_toolkit.document import Document
from prompt_toolkit.validation import ValidationError, Validator

from ..console_commands import Call, WrongCall, read_call

__all__ = ["CallValidator", "is_cut_short", "read_calls"]


def read_calls(text: str) -> list[tuple[str, Call]]:
    """The commands of a text and how each was written.

    JSON may go on over several lines, and pasted text may hold several commands.

    :raises WrongCall: one of them is wrong; its place is that in the text.
    """
    calls = []
    start = 0
    while start < len(text):
        # Python's own splitlines() knows of ends that may be inside of a JSON string.
        end = (text.find("\n", start) + 1) or len(text)
        try:
            try:
                call = read_call(text[start:end])
            except WrongCall as error:
                if not (error.is_cut_short and end < len(text)):
                    raise
                end = _end_of_json(text, start)
                call = read_call(text[start:end])
        except WrongCall as error:
            raise WrongCall(str(error), start + error.at, error.is_cut_short) from None
        if call is not None:
            calls.append((text[start:end].rstrip(), call))
        start = end
    return calls


def _end_of_json(text: str, start: int) -> int:
    """Where the last line ends of a call whose JSON goes on over several.

    The whole rest is read once, and not each line with all of those before it.
    """
    try:
        read_call(text[start:])
    except WrongCall as error:
        if error.has_more:
            at = start + error.at
            # What is behind the JSON in its own line is wrong, and stays with it.
            is_next = "\n" in text[len(text[:at].rstrip()) : at]
            line = text.rfind("\n", 0, at) if is_next else text.find("\n", at)
            return line + 1 or len(text)
    return len(text)


def is_cut_short(text: str) -> bool:
    """Whether the text ends within its JSON."""
    try:
        read_calls(text)
    except WrongCall as error:
        return error.is_cut_short
    return False


class CallValidator(Validator):
    """Refuses what is wrong, and puts the cursor there."""

    def validate(self, document: Document) -> None:
        """Look at what was typed.

        :raises ValidationError: it is wrong.
        """
        try:
            read_calls(document.text)
        except WrongCall as error:
            raise ValidationError(error.at, str(error)) from None
