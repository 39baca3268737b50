"""Functions on times, which are texts by RFC 3339. There is no clock here."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from fractions import Fraction

from planner.sources.doors.bake.functions.signature import Function
from planner.sources.doors.bake.number import whole
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import ANY, NUMBER, STRING, Value, is_number

_MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_PIECE = re.compile(r"''|'(?:[^']|'')*'|'|([A-Za-z])\1*|[^'A-Za-z]+")
MAX_DURATION = 200
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def parsed_time(text: str) -> datetime.datetime:
    """A time as RFC 3339 writes it. Raises Wrong."""
    try:
        if _TIME.fullmatch(text):
            plain = re.sub(r"\.\d+", "", text)
            return datetime.datetime.fromisoformat(plain.replace("Z", "+00:00"))
    except ValueError as error:
        raise Wrong(f'"{text}" is no time: {error}') from error
    raise Wrong(f'"{text[:60]}" is no time: write it as 2026-01-31T12:00:00Z')


def _zone(time: datetime.datetime, colon: str) -> str:
    shift = time.utcoffset() or datetime.timedelta()
    minutes = int(abs(shift).total_seconds()) // 60
    return f"{'-' if shift < datetime.timedelta() else '+'}{minutes // 60:02d}{colon}{minutes % 60:02d}"


def rfc3339(time: datetime.datetime) -> str:
    """A time as RFC 3339 writes it, in whole seconds."""
    zone = _zone(time, ":")
    return f"{time:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + ("Z" if zone == "+00:00" else zone)


def _verb(piece: str, time: datetime.datetime) -> str:
    hour = time.hour % 12 or 12
    known = {
        "YY": f"{time.year % 100:02d}", "YYYY": f"{time.year:04d}", "M": str(time.month), "MM": f"{time.month:02d}",
        "MMM": _MONTHS[time.month - 1][:3], "MMMM": _MONTHS[time.month - 1], "D": str(time.day),
        "DD": f"{time.day:02d}", "EEE": _DAYS[time.weekday()][:3], "EEEE": _DAYS[time.weekday()],
        "h": str(time.hour), "hh": f"{time.hour:02d}", "H": str(hour), "HH": f"{hour:02d}",
        "AA": "AM" if time.hour < 12 else "PM", "aa": "am" if time.hour < 12 else "pm", "m": str(time.minute),
        "mm": f"{time.minute:02d}", "s": str(time.second), "ss": f"{time.second:02d}", "Z": rfc3339(time)[19:],
        "ZZZ": "UTC" if _zone(time, "") == "+0000" else _zone(time, ""), "ZZZZ": _zone(time, ""),
        "ZZZZZ": _zone(time, ":"),
    }  # fmt: skip
    if piece not in known:
        raise Wrong(f'"{piece[:20]}" is no part of a date format')
    return known[piece]


def formatted_time(template: str, time: datetime.datetime) -> str:
    """A time in a format of letters: `YYYY-MM-DD`. Raises Wrong."""
    made = []
    for found in _PIECE.finditer(template):
        piece = found[0]
        if piece == "''":
            made.append("'")
        elif piece.startswith("'"):
            if len(piece) == 1 or not piece.endswith("'"):
                raise Wrong("the format has a quote that is not closed")
            made.append(piece[1:-1].replace("''", "'"))
        else:
            made.append(_verb(piece, time) if found[1] else piece)
    return "".join(made)


def _formattimestamp(template: str, value: Value) -> str:
    if isinstance(value, str):
        time = parsed_time(value)
    elif is_number(value):
        time = from_seconds(value)
    else:
        raise Wrong("needs a time as text, or seconds since 1970")
    return str(int(time.timestamp())) if template == "X" else formatted_time(template, time)


def from_seconds(value: Value) -> datetime.datetime:
    """The time so many seconds after 1970, UTC. Raises Wrong."""
    try:
        return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=whole(value))
    except OverflowError as error:
        raise Wrong("is no time that can be written") from error


def _timeadd(text: str, duration: str) -> str:
    time = parsed_time(text)
    sign = -1 if duration.startswith("-") else 1
    rest = duration.removeprefix("-") if sign < 0 else duration.removeprefix("+")
    if rest != "0" and (not rest or _DURATION.sub("", rest) or len(rest) > MAX_DURATION):
        raise Wrong(f'"{duration[:60]}" is no duration: write it as 1h30m')
    nanoseconds = sum((Fraction(found[1]) * _UNITS[found[2]] for found in _DURATION.finditer(rest)), Fraction())
    try:
        return rfc3339(time + datetime.timedelta(microseconds=sign * int(nanoseconds) // 1000))
    except OverflowError as error:
        raise Wrong("is no time that can be written") from error


def _unixtimestampparse(value: Value) -> Value:
    time = from_seconds(value)
    year, week, _ = time.isocalendar()
    return {
        "year": time.year, "year_day": time.timetuple().tm_yday, "day": time.day, "month": time.month,
        "month_name": _MONTHS[time.month - 1], "weekday": (time.weekday() + 1) % 7,
        "weekday_name": _DAYS[time.weekday()], "hour": time.hour, "minute": time.minute, "second": time.second,
        "rfc3339": rfc3339(time), "iso_year": year, "iso_week": week,
    }  # fmt: skip


FUNCTIONS: Mapping[str, Function] = {
    "formatdate": Function(lambda template, text: formatted_time(template, parsed_time(text)), (STRING, STRING)),
    "formattimestamp": Function(_formattimestamp, (STRING, ANY)),
    "timeadd": Function(_timeadd, (STRING, STRING)),
    "unixtimestampparse": Function(_unixtimestampparse, (NUMBER,)),
}
"""By the name that a file calls them with."""
