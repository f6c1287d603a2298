"""Numbers for people: sizes, counts, operations, hours. Pure."""


def size(value: float) -> str:
    """Bytes in the unit that leaves one to three digits before the point."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{_short(value / factor)} {unit}"
    return f"{value:.0f} bytes"


def count(value: float) -> str:
    for unit, factor in (("trillion", 1e12), ("billion", 1e9), ("M", 1e6)):
        if value >= factor:
            return f"{_short(value / factor)} {unit}"
    return f"{value:,.0f}"


def operations(value: float) -> str:
    """Three digits, as 1.36e14."""
    return f"{value:.3g}".replace("e+", "e").replace("e0", "e")


def duration(hours: float) -> str:
    """Hours, in minutes or seconds where that is clearer, in years where it is not."""
    if hours < 1 / 60:
        return f"{hours * 3600:.1f} s" if hours * 3600 >= 0.1 else "under 0.1 s"
    if hours < 1:
        return f"{hours * 60:.0f} min"
    if hours < 8766:
        return f"{hours:,.1f} h" if hours < 100 else f"{hours:,.0f} h"
    return f"{hours / 8766:,.1f} years"


def money(value: float) -> str:
    return "under 0.01" if 0 < value < 0.01 else f"{value:,.2f}"


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
