"""Spans of time as people name them. Days and weeks are those of UTC; a week begins on Monday."""

import re
from datetime import UTC, datetime, timedelta

from agent.markdown import moment
from tools.contract import Frozen

_COUNTED = re.compile(r"(?:last |past )?(\d{1,4}) (hour|day|week)s?")
_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
NAMED = ("today", "yesterday", "this week", "last week", "this month", "last month")


class Period(Frozen):
    """From `start` up to `end`, without `end`."""

    start: datetime
    end: datetime

    def holds(self, at: datetime | None) -> bool:
        return at is not None and self.start <= at < self.end

    def shown(self) -> str:
        return f"{moment(self.start)} to {moment(self.end)}"


def period(text: str, now: datetime) -> Period | None:
    """`today`, `last week`, `3 days`, `2026-03-02` (since then) as a span; None for anything else."""
    named = " ".join(text.lower().split())
    now = now.astimezone(UTC)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    later = now + timedelta(seconds=1)  # what happened just now belongs to today
    week, month = day - timedelta(days=day.weekday()), day.replace(day=1)
    spans = {
        "today": (day, later),
        "yesterday": (day - timedelta(days=1), day),
        "this week": (week, later),
        "last week": (week - timedelta(weeks=1), week),
        "this month": (month, later),
        "last month": ((month - timedelta(days=1)).replace(day=1), month),
    }
    if named in spans:
        return Period(start=spans[named][0], end=spans[named][1])
    if counted := _COUNTED.fullmatch(named):
        return Period(start=now - int(counted[1]) * _UNITS[counted[2]], end=later)
    try:
        start = datetime.fromisoformat(named)
    except ValueError:
        return None
    return Period(start=start if start.tzinfo else start.replace(tzinfo=UTC), end=later)
