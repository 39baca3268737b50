"""Numbers as HCL has them: binary floats of up to 512 bits, of which whole ones are plain Python ints.

The rules are those of Go's math/big.Float as go-cty (v1.17.0) uses it, so that 1/3 has as many digits here as there.
"""

from __future__ import annotations

import re
from fractions import Fraction

from planner.model.frozen import dataclass
from planner.sources.doors.bake.trouble import TooMuch, Wrong

PRECISION = 512
"""Bits of the mantissa of a number that a file writes."""
DOUBLE = 53
"""Bits of the mantissa of a number that comes from the environment, or from `log` and `pow`."""
MAX_EXPONENT = 1000
MAX_BITS = 1 << 14
_DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Real:
    """A number that is not whole, and the bits of its mantissa."""

    exact: Fraction
    precision: int = PRECISION


Number = int | Real


def fraction(number: Number) -> Fraction:
    """The number without its precision."""
    return number.exact if isinstance(number, Real) else Fraction(number)


def precision(*numbers: Number) -> int:
    """The bits that a result of these numbers has."""
    reals = [number.precision for number in numbers if isinstance(number, Real)]
    return PRECISION if len(reals) < len(numbers) or not reals else max(reals)


def made(exact: Fraction, bits: int = PRECISION) -> Number:
    """The number that is nearest among those with so many bits. Raises TooMuch."""
    if exact.denominator == 1:
        if abs(exact.numerator).bit_length() > MAX_BITS:
            raise TooMuch(f"a number has more than {MAX_BITS} bits")
        return exact.numerator
    if exact.denominator.bit_length() > 8 * MAX_BITS or exact.numerator.bit_length() > 8 * MAX_BITS:
        raise TooMuch(f"a number has more than {MAX_BITS} bits")
    shift = bits - (abs(exact.numerator).bit_length() - exact.denominator.bit_length())
    scaled = exact * Fraction(2) ** shift
    if abs(scaled) >= Fraction(2) ** bits:
        shift -= 1
        scaled /= 2
    rounded = Fraction(round(scaled)) / Fraction(2) ** shift
    return rounded.numerator if rounded.denominator == 1 else Real(rounded, bits)


def parsed(text: str, bits: int = PRECISION) -> Number | None:
    """A number as a file or the environment writes it; None where it is none. Raises TooMuch."""
    found = _DECIMAL.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return None
    if len(text) > MAX_EXPONENT:
        raise TooMuch(f"a number has more than {MAX_EXPONENT} letters")
    after = found[3] or ""
    exponent = int(found[4] or 0)
    if abs(exponent) > MAX_EXPONENT:
        raise TooMuch(f"the exponent of {text} is beyond {MAX_EXPONENT}")
    whole = Fraction(int(found[2] + after or "0")) * Fraction(10) ** (exponent - len(after))
    return made(-whole if found[1] == "-" else whole, bits)


def text_of(number: Number) -> str:
    """The shortest decimal that is read back as the same number, without an exponent."""
    if isinstance(number, int):
        return _digits(number)
    exact = abs(number.exact)
    places = decimal_places(number)
    scaled = round(exact * Fraction(10) ** places)
    digits = str(scaled).rjust(places + 1, "0")
    sign = "-" if number.exact < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def _digits(number: int) -> str:
    if abs(number).bit_length() > MAX_BITS:
        raise TooMuch(f"a number has more than {MAX_BITS} bits")
    try:
        return str(number)
    except ValueError as error:
        raise TooMuch("a number has too many digits") from error


def decimal_places(number: Real) -> int:
    """Digits after the point that the shortest decimal needs."""
    exact = abs(number.exact)
    top = exact.numerator.bit_length() - exact.denominator.bit_length()
    top += exact >= Fraction(2) ** top
    half = Fraction(2) ** (top - number.precision) / 2
    for places in range(MAX_EXPONENT + PRECISION):
        unit = Fraction(10) ** places
        if abs(Fraction(round(exact * unit)) / unit - exact) <= half:
            return places
    raise TooMuch("a number has too many digits")


def whole(value: object, what: str = "a whole number is required") -> int:
    """The value where it is a whole number. Raises Wrong."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Wrong(what)
