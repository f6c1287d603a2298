"""Signatures: Slack's own example, and everything that is none."""

import pytest

from agent.slack.http import STALE, Unsigned, check_signature, payload
from agent.slack.payloads import Malformed

# The example of docs.slack.dev, "Verifying requests from Slack".
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
STAMP = "1531420618"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
NOW = float(STAMP)


def test_slacks_own_example_holds():
    check_signature(SECRET, BODY, STAMP, SIGNATURE, NOW)
    check_signature(SECRET, BODY, STAMP, SIGNATURE, NOW + STALE)
    assert payload(BODY)["command"] == "/webhook-collect"


@pytest.mark.parametrize(
    ("secret", "body", "stamp", "signature", "now"),
    [
        ("other", BODY, STAMP, SIGNATURE, NOW),
        (SECRET, BODY + b"x", STAMP, SIGNATURE, NOW),
        (SECRET, BODY, "1531420619", SIGNATURE, NOW),
        (SECRET, BODY, STAMP, SIGNATURE[3:], NOW),
        (SECRET, BODY, STAMP, SIGNATURE.upper(), NOW),
        (SECRET, BODY, STAMP, "", NOW),
        (SECRET, BODY, STAMP, "v0=é", NOW),
        (SECRET, BODY, STAMP, None, NOW),
        (SECRET, BODY, None, SIGNATURE, NOW),
        (SECRET, BODY, STAMP, SIGNATURE, NOW + STALE + 1),
        (SECRET, BODY, STAMP, SIGNATURE, NOW - STALE - 1),
        (SECRET, BODY, "soon", SIGNATURE, NOW),
        (SECRET, BODY, "１５３１４２０６１８", SIGNATURE, NOW),
        (SECRET, BODY, " 1531420618", SIGNATURE, NOW),
        (SECRET, BODY, "1531420618.0", SIGNATURE, NOW),
        (SECRET, BODY, "9" * 5000, SIGNATURE, NOW),
    ],
)
def test_anything_else_is_refused(secret, body, stamp, signature, now):
    with pytest.raises(Unsigned) as caught:
        check_signature(secret, body, stamp, signature, now)
    assert SECRET not in str(caught.value)


def test_bodies():
    assert payload(b'{"a": 1}') == {"a": 1}
    assert payload(b"payload=%7B%22a%22%3A1%7D") == {"a": 1}
    assert payload(b"a=1&b=") == {"a": "1", "b": ""}
    for rubbish in (b"{", b"\xff", b"payload={", b"[" * 100_000, b"&".join(b"a=1" for _ in range(300))):
        with pytest.raises(Malformed):
            payload(rubbish)
