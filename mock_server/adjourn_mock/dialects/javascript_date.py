"""The moment that JavaScript's `new Date(text)` makes of a text, in V8 and in UTC.

V8 first reads the form of ECMAScript (`2099-01-01T00:00:00.000Z` and shorter), and what that leaves over by its
legacy rules: words before the first number and text in parentheses are ignored, a number before a colon is part of a
time, other numbers are year, month and day. A text is read once, token by token; the time is linear in its length.
"""

from __future__ import annotations

from datetime import date

from adjourn_mock.dialects.javascript_tokens import END, MONTHS, Scanner, Token

__all__ = ["LAST_MOMENT", "read_date"]

# The last moment of JavaScript's Date, in milliseconds since 1970.
LAST_MOMENT = 8_640_000_000_000_000
_DAY_MILLISECONDS, _DAYS_OF_400_YEARS = 86_400_000, 146_097
_HALVES = {"am": 0, "pm": 12}
_ZONES = {
    "ut": 0,
    "utc": 0,
    "z": 0,
    "gmt": 0,
    "cdt": -5,
    "cst": -6,
    "edt": -4,
    "est": -5,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
}


class _UnreadableError(ValueError):
    """It is not a date."""


class _Day:
    """Up to three numbers, and a month by its name, until it is known which is what."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self.month: int | None = None
        self.is_iso = False

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def add(self, number: int) -> None:
        if len(self._numbers) == 3:
            raise _UnreadableError
        self._numbers.append(number)

    def days(self) -> int:
        """Days since 1970; a day that the month does not have belongs to the next month."""
        if not self._numbers:
            raise _UnreadableError
        year, month, day = self._parts()
        if not self.is_iso and 0 <= year <= 99:
            year += 2000 if year <= 49 else 1900
        if not 1 <= month <= 12 or not 1 <= day <= 31:
            raise _UnreadableError
        # Shifted into years that Python has; 400 years have the same number of days everywhere.
        cycles, year_of_cycle = divmod(year, 400)
        first = date(year_of_cycle + 400, month, 1).toordinal() - date(1970, 1, 1).toordinal()
        return first + day - 1 + (cycles - 1) * _DAYS_OF_400_YEARS

    def _parts(self) -> tuple[int, int, int]:
        first, second, third = (*self._numbers, 1, 1)[:3]
        is_day = 1 <= first <= 31
        if self.month is None:
            return (first, second, third) if self.is_iso or not is_day else (third, first, second)
        return (second, self.month, first) if is_day else (first, self.month, second)


class _Time:
    """Hour, minute, second and millisecond, as far as they were read."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self.half_hours: int | None = None

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def expects(self, number: int) -> bool:
        """Whether a number is the next part though no colon follows it."""
        limit = {1: 60, 2: 60, 3: 1000}.get(len(self._numbers), 0)
        return number < limit

    def add(self, number: int) -> None:
        if len(self._numbers) == 4:
            raise _UnreadableError
        self._numbers.append(number)

    def end(self, number: int) -> None:
        """The last part; those behind it are zero."""
        self._numbers = [*self._numbers, number, 0, 0, 0][:4]

    def milliseconds(self) -> int:
        hour, minute, second, millisecond = (*self._numbers, 0, 0, 0, 0)[:4]
        if self.half_hours is not None:
            if hour > 12:
                raise _UnreadableError
            hour = hour % 12 + self.half_hours
        is_midnight = hour == 24 and not (minute or second or millisecond)
        if not (hour < 24 and minute < 60 and second < 60 and millisecond < 1000) and not is_midnight:
            raise _UnreadableError
        return ((hour * 60 + minute) * 60 + second) * 1000 + millisecond


class _Zone:
    """The offset from UTC; what is not given is UTC, as on the vendor's machines."""

    def __init__(self) -> None:
        self.sign = 1
        self.hour: int | None = None
        self.minute: int | None = None

    def expects(self, number: int) -> bool:
        return self.hour is not None and self.minute is None and number < 60

    @property
    def is_utc(self) -> bool:
        return self.hour == 0 and self.minute == 0

    def set(self, hours: int) -> None:
        self.sign, self.hour, self.minute = (-1 if hours < 0 else 1), abs(hours), 0

    def milliseconds(self) -> int:
        # V8 computes the seconds in 32 bits, of which the first may not be set.
        seconds = ((self.hour or 0) * 3600 + (self.minute or 0) * 60) % 2**32
        if seconds >= 2**31:
            raise _UnreadableError
        return self.sign * seconds * 1000


class _Reader:
    """What was read of one text so far."""

    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._day, self._time, self._zone = _Day(), _Time(), _Zone()
        self._has_number = False

    def read(self) -> int:
        """The moment.

        Raises:
            _UnreadableError: it is not a date.
        """
        token = self._read_standard()
        self._has_number = bool(self._day)
        while token is not END:
            self._read_legacy(token)
            token = self._scanner.next()
        moment = self._day.days() * _DAY_MILLISECONDS + self._time.milliseconds() - self._zone.milliseconds()
        if abs(moment) > LAST_MOMENT:
            raise _UnreadableError
        return moment

    def _read_standard(self) -> Token:
        """The form of ECMAScript; the first token that does not belong to it."""
        scanner = self._scanner
        if scanner.peek.is_symbol("+", "-"):
            sign = scanner.next()
            if not scanner.peek.is_digits(6, 0, 999_999):
                return sign
            year = scanner.next().number
            if sign.text == "-" and year == 0:
                return sign
            self._day.add(-year if sign.text == "-" else year)
        elif scanner.peek.is_digits(4, 0, 9999):
            self._day.add(scanner.next().number)
        else:
            return scanner.next()
        for last in (12, 31):
            if not scanner.skip("-"):
                break
            if not scanner.peek.is_digits(2, 1, last):
                return scanner.next()
            self._day.add(scanner.next().number)
        if scanner.peek.kind == "word" and scanner.peek.keyword == "t":
            self._read_standard_time()
        elif scanner.peek is not END:
            return scanner.next()
        self._day.is_iso = True
        return END

    def _read_standard_time(self) -> None:
        scanner = self._scanner
        scanner.next()
        hour = self._digits(24)
        self._time.add(hour)
        last = 0 if hour == 24 else 59
        if not scanner.skip(":"):
            raise _UnreadableError
        self._time.add(self._digits(last))
        if scanner.skip(":"):
            self._time.add(self._digits(last))
            if scanner.skip("."):
                fraction = scanner.next()
                if fraction.kind != "number" or (hour == 24 and fraction.number):
                    raise _UnreadableError
                self._time.add(fraction.milliseconds)
        self._read_standard_zone()
        if scanner.peek is not END:
            raise _UnreadableError

    def _read_standard_zone(self) -> None:
        scanner = self._scanner
        if scanner.peek.kind == "word" and scanner.peek.keyword == "z":
            scanner.next()
            self._zone.set(0)
        elif scanner.peek.is_symbol("+", "-"):
            self._zone.sign = -1 if scanner.next().text == "-" else 1
            if scanner.peek.is_digits(4, 0, 2359) and scanner.peek.number % 100 < 60:
                self._zone.hour, self._zone.minute = divmod(scanner.next().number, 100)
                return
            self._zone.hour = self._digits(23)
            if not scanner.skip(":"):
                raise _UnreadableError
            self._zone.minute = self._digits(59)

    def _digits(self, last: int) -> int:
        """Two digits, up to a number."""
        token = self._scanner.next()
        if not token.is_digits(2, 0, last):
            raise _UnreadableError
        return token.number

    def _read_legacy(self, token: Token) -> None:
        if token.kind == "number":
            self._has_number = True
            self._read_number(token.number)
        elif token.kind == "word":
            self._read_word(token.keyword)
        elif token.is_symbol("+", "-") and (self._zone.is_utc or self._time):
            self._read_offset(token)
        elif token.is_symbol("+", "-", ")") and self._has_number:
            raise _UnreadableError

    def _read_number(self, number: int) -> None:
        scanner, time = self._scanner, self._time
        if scanner.skip(":"):
            if scanner.skip(":"):
                if time:
                    raise _UnreadableError
                time.add(number)
                time.add(0)
                return
            time.add(number)
            scanner.skip(".")
        elif scanner.skip(".") and time.expects(number):
            time.add(number)
            fraction = scanner.next()
            if fraction.kind != "number":
                raise _UnreadableError
            time.end(fraction.milliseconds)
        elif self._zone.expects(number):
            self._zone.minute = number
        elif time.expects(number):
            time.end(number)
            follows = scanner.peek
            if not (follows.kind in ("end", "space") or follows.keyword == "z" or follows.is_symbol("+", "-")):
                raise _UnreadableError
        else:
            self._day.add(number)
            scanner.skip("-")

    def _read_word(self, keyword: str) -> None:
        if keyword in _HALVES and self._time:
            self._time.half_hours = _HALVES[keyword]
        elif keyword in MONTHS:
            self._day.month = MONTHS.index(keyword) + 1
            self._scanner.skip("-")
        elif keyword in _ZONES and self._has_number:
            self._zone.set(_ZONES[keyword])
        elif self._has_number or self._scanner.peek.kind == "number":
            raise _UnreadableError

    def _read_offset(self, sign: Token) -> None:
        zone, scanner = self._zone, self._scanner
        zone.sign = -1 if sign.text == "-" else 1
        digits = scanner.next() if scanner.peek.kind == "number" else Token("number")
        self._has_number = True
        if scanner.peek.is_symbol(":"):
            zone.hour, zone.minute = digits.number, None
        elif len(digits.text) in (1, 2):
            zone.hour, zone.minute = digits.number, 0
        elif len(digits.text) in (3, 4):
            zone.hour, zone.minute = divmod(digits.number, 100)
        else:
            raise _UnreadableError


def read_date(text: str) -> int | None:
    """Milliseconds since 1970, or None where JavaScript has an invalid date."""
    try:
        return _Reader(text).read()
    except _UnreadableError:
        return None
