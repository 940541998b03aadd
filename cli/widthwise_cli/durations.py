"""Durations as people write and read them."""

from widthwise.errors import SpecError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str) -> float:
    """``90s``, ``30m`` or ``2h`` in seconds.

    Raises:
        SpecError: anything else.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not number.replace(".", "", 1).isdecimal() or not float(number) > 0:
        message = f"--budget {text}: is not a length of time; write for example 90s, 30m or 2h"
        raise SpecError(message)
    return float(number) * UNITS[unit]
