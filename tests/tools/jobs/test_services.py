from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tools.jobs.model import OutcomeKind, Status
from tools.jobs.ports import free_port

Make = Callable[..., object]


def test_a_service_answers_until_it_is_stopped(workshop: Make) -> None:
    shop = workshop()
    job = shop.run("serve")
    assert job.status is Status.SERVING
    endpoint = job.outcome.result.endpoint
    assert httpx.get(endpoint).text == "hello"
    shop.until(lambda: shop.told)
    assert [o.event_id for o in shop.told] == ["job:j1:1:ready"]
    shop.supervisor.cancel("j1", "ada")
    shop.until(lambda: len(shop.told) == 2)
    assert [o.event_id for o in shop.told] == ["job:j1:1:ready", "job:j1:1:stopped"]
    assert shop.ledger.get("j1").status is Status.STOPPED
    with pytest.raises(httpx.ConnectError):
        httpx.get(endpoint)


def test_a_service_takes_no_slot(workshop: Make) -> None:
    shop = workshop(slots=1)
    for number in range(3):
        assert shop.run("serve", job=f"s{number}").status is Status.SERVING
    assert shop.run("add").status is Status.SUCCEEDED


def test_a_service_that_does_not_listen_is_ended(workshop: Make) -> None:
    shop = workshop()
    shop.run("serve", how="deaf")
    shop.supervisor.cancel("j1", "ada")
    shop.until(lambda: not shop.ledger.list(active=True))
    assert shop.ledger.get("j1").status is Status.STOPPED


@pytest.mark.parametrize("how", ["die", "return"])
def test_a_service_that_ends_by_itself_crashed(workshop: Make, tmp_path: Path, how: str) -> None:
    shop = workshop()
    assert shop.run("serve", how=how).status is Status.SERVING
    (tmp_path / "jobs" / "j1" / "now").touch()
    shop.until(lambda: not shop.ledger.list(active=True))
    job = shop.ledger.get("j1")
    assert job.status is Status.CRASHED
    assert "ended" in job.outcome.error


def test_a_service_that_cannot_begin_says_why(workshop: Make) -> None:
    job = workshop().run("serve", how="refuse")
    assert job.status is Status.FAILED
    assert job.outcome.error == "Model tiny is not there any more; make it again."


def test_a_service_is_adopted(workshop: Make) -> None:
    first = workshop()
    endpoint = first.run("serve").outcome.result.endpoint
    first.supervisor.stop()
    assert httpx.get(endpoint).text == "hello"
    second = workshop()
    second.supervisor.cancel("j1", "ada")
    second.until(lambda: not second.ledger.list(active=True))
    assert [o.kind for o in second.ledger.outcomes("j1")] == [OutcomeKind.READY, OutcomeKind.STOPPED]


def test_a_stopped_service_can_be_started_again(workshop: Make) -> None:
    shop = workshop()
    shop.run("serve")
    shop.supervisor.cancel("j1", "ada")
    shop.until(lambda: not shop.ledger.list(active=True))
    shop.supervisor.resume("j1", 2, "ada")
    job = shop.wait()
    assert (job.status, job.attempt) == (Status.SERVING, 2)
    assert httpx.get(job.outcome.result.endpoint).text == "hello"


def test_a_free_port_is_a_port() -> None:
    assert 1024 < free_port() < 65536
