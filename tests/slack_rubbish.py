"""Slack's payloads with parts replaced by something else, or gone."""

import copy

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from slack_payloads import TS, everything

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["U0ADA", TS, "{}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """The path of every part of a payload."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def replaced(payload, path, junk):
    if not path:
        return junk
    changed = copy.deepcopy(payload)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    if junk == "gone" and isinstance(inside, dict):
        del inside[path[-1]]
    else:
        inside[path[-1]] = junk
    return changed


@st.composite
def malformed(draw):
    """A payload with one or two of its parts replaced by something else, or gone."""
    payload = draw(st.sampled_from(everything()))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(places(payload))))
        payload = replaced(payload, path, draw(JUNK | st.just("gone")))
    return payload


QUICK = settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
FULL = settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
