"""The errors that a user of the mock can cause, as one tree.

    AdjournError
    ├── UserError (ValueError)          a value is not valid: KeyFormatError, StoreError, TokenError, QueryError, ...
    ├── NotFoundError (LookupError)     what was named does not exist: UnknownError, UnknownFaultError
    ├── LimitError (ValueError)         there is no room for more: TooManyError, StoreFullError
    └── UnavailableError                the store does not answer at the moment: StoreUnavailable

The control API answers each branch with one status; any other exception is an error of the mock itself, a logged 500.
What is not an error is apart: `Refusal` and `ClientGone` (exchanges), `Denied` (control), `BindError` (serving).
"""

from __future__ import annotations

__all__ = ["AdjournError", "LimitError", "NotFoundError", "UnavailableError", "UserError"]


class AdjournError(Exception):
    """Something that a user can cause; its text says what is wrong, what is allowed and what to do."""


class UserError(AdjournError, ValueError):
    """A value is not valid."""


class NotFoundError(AdjournError, LookupError):
    """What was named does not exist."""


class LimitError(AdjournError, ValueError):
    """There is no room for more."""


class UnavailableError(AdjournError):
    """The store does not answer at the moment."""
