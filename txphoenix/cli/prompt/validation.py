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
    start = at = 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        try:
            call = read_call(text[start:at])
        except WrongCall as error:
            if error.is_cut_short and at < len(text):
                continue
            raise WrongCall(str(error), start + error.at, error.is_cut_short) from None
        if call is not None:
            calls.append((text[start:at].rstrip(), call))
        start = at
    return calls


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
