"""Installations: encrypted at rest, found by workspace, forgotten when the app goes."""

import asyncio
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from slack_sdk.oauth.installation_store import Installation

from agent.errors import Configuration
from agent.ledger.database import open_database
from agent.ledger.installations import Installed
from agent.slack.installations import Installations
from agent.slack.states import LIFE, States

FIRST, SECOND = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def installation(team="T0ONE", token="xoxb-secret", **more):  # noqa: S107
    given = {"team_id": team, "bot_token": token, "bot_user_id": "U0BOT", "bot_id": "B0BOT", "user_id": "U0ADA"}
    return Installation(**(given | more))


@pytest.fixture
def rows(tmp_path):
    return Installed(open_database(tmp_path / "odyssey.db"))


def save(store, *installations):
    for each in installations:
        asyncio.run(store.async_save(each))


def find(store, team, enterprise=None):
    return asyncio.run(store.async_find_installation(enterprise_id=enterprise, team_id=team))


def test_what_is_kept_is_found_after_a_restart_and_encrypted(rows, tmp_path):
    save(Installations(rows, FIRST), installation(), installation("T0TWO", "xoxb-other"))
    again = Installations(rows, FIRST)
    assert find(again, "T0ONE").bot_token == again.token("T0ONE") == "xoxb-secret"
    assert find(again, "T0TWO").bot_user_id == "U0BOT"
    assert find(again, "T0NONE") is None and again.token("T0NONE") is None
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("odyssey.db*"))
    assert b"xoxb" not in kept and b"U0ADA" not in kept


def test_a_person_gives_nothing_but_their_id(rows):
    save(Installations(rows, FIRST), installation(user_token="xoxp-person", incoming_webhook_url="https://hook"))
    kept = find(Installations(rows, FIRST), "T0ONE")
    assert kept.user_token is None and kept.incoming_webhook_url is None


def test_installing_again_replaces(rows):
    store = Installations(rows, FIRST)
    save(store, installation(), installation(token="xoxb-newer"))
    assert store.token("T0ONE") == Installations(rows, FIRST).token("T0ONE") == "xoxb-newer"


def test_an_organisations_installation_stands_for_its_workspaces(rows):
    store = Installations(rows, FIRST)
    save(store, installation(None, enterprise_id="E0ORG", is_enterprise_install=True))
    assert find(store, "T0ANY", "E0ORG").bot_token == "xoxb-secret"
    assert find(store, "T0ANY") is None


def test_removed_apps_are_forgotten(rows):
    store = Installations(rows, FIRST)
    save(store, installation(), installation("T0TWO"))
    store.forget("T0ONE", ("U0SOMEBODY",))
    assert store.token("T0ONE")
    store.forget("T0ONE", ("U0BOT",))
    asyncio.run(store.async_delete_all(enterprise_id=None, team_id="T0TWO"))
    for each in (store, Installations(rows, FIRST)):
        assert each.token("T0ONE") is None and each.token("T0TWO") is None


def test_keys_are_changed_by_putting_the_new_one_first(rows):
    save(Installations(rows, FIRST), installation())
    both = Installations(rows, f"{SECOND}, {FIRST}")
    both.check()
    save(both, installation(token="xoxb-newer"))
    Installations(rows, SECOND).check()
    with pytest.raises(Configuration, match="T0ONE") as caught:
        Installations(rows, FIRST).check()
    assert FIRST not in str(caught.value)
    assert Installations(rows, FIRST).token("T0ONE") is None


def test_rows_cannot_be_exchanged(rows):
    store = Installations(rows, FIRST)
    save(store, installation(), installation("T0TWO", "xoxb-other"))
    bodies = rows.all()
    rows.save("T0TWO", bodies["T0ONE"], datetime.now(UTC))
    assert Installations(rows, FIRST).token("T0TWO") is None


def test_an_installation_without_a_workspace_or_token_is_none(rows):
    for each in (installation(None), installation(token=None)):
        with pytest.raises(ValueError, match="cannot be kept"):
            save(Installations(rows, FIRST), each)


def test_a_state_is_good_once_and_for_ten_minutes():
    now = [0.0]
    states = States(lambda: now[0])

    async def go():
        first, second = await states.async_issue(), await states.async_issue()
        assert await states.async_consume(first) and not await states.async_consume(first)
        assert not await states.async_consume("guess")
        now[0] = LIFE + 1
        assert not await states.async_consume(second)

    asyncio.run(go())
