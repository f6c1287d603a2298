"""App Home shows what waits for its person first, and stays within a view however many projects there are."""

from typing import Any

import pytest

from agent.lifecycle.stages import Stage
from agent.slack.actions import Origin, Passage, Press
from agent.slack.blocks.home import home, stages
from agent.slack.blocks.modals import job_modal, new_project_modal, passage_modal, reason_modal
from tests.agent.slack.blocks.checks import check_view, shown, values
from tests.agent.slack.blocks.states import PLACE, asked, cited, job, later, waiting
from tests.walk import Walk

ASKED = asked(Stage.DEPLOY)
NOW = later(ASKED)


def words(view: Any) -> str:
    return "\n".join(text for _, text in shown(view["blocks"]))


def said(view: Any) -> list[str]:
    pressed = [Press.parse(b.get("value")) for b in values(view["blocks"], "button")]
    return [press.say for press in pressed if press]


def test_without_a_project_it_says_how_to_begin() -> None:
    view = home("ana", [], {}, NOW)
    check_view(view)
    assert "New project" in words(view)
    assert "what next and why" in words(view)
    assert next(b["action_id"] for b in values(view, "button")) == "new_project"


def test_an_approver_gets_the_buttons_bound_to_what_is_shown() -> None:
    view = home("ben", [ASKED], {}, NOW)
    check_view(view)
    number = waiting(ASKED).number
    assert "waits for *you*" in words(view)
    bound = [Press.parse(b["value"]) for b in values(view["blocks"], "button") if "Approve" in b["text"]["text"]]
    assert bound == [Press(say=f"approve {number}", seen=waiting(ASKED).digest, project=ASKED.id)]


@pytest.mark.parametrize("actor", ["cai", "dee", "nobody"])
def test_others_only_read_whom_it_waits_for(actor: str) -> None:
    view = home(actor, [ASKED], {}, NOW)
    check_view(view)
    assert "waits for ana, ben" in words(view)
    assert not [each for each in said(view) if each.startswith("approve")]


def test_running_jobs_have_progress_and_members_can_cancel() -> None:
    jobs = {ASKED.id: [job(step="training", done=5, total=10, seconds=10.0), job("succeeded", id="j3")]}
    view = home("cai", [ASKED], jobs, NOW)
    check_view(view)
    assert "50 %" in words(view)
    assert "cancel j17" in said(view)
    assert "cancel j17" not in said(home("dee", [ASKED], jobs, NOW))


def test_a_button_stays_where_it_is_while_a_job_moves_on() -> None:
    views = [home("cai", [ASKED], {ASKED.id: [job(step="training", done=n, total=10)]}, NOW) for n in (1, 2)]
    ids = [[block.get("block_id") for block in view["blocks"]] for view in views]  # type: ignore[union-attr,call-overload]
    assert ids[0] == ids[1]
    assert any(ids[0])


@pytest.mark.parametrize("stage", [Stage.SCOPE, Stage.SELECT, Stage.ASSESS, Stage.LAUNCHED])
def test_what_is_missing_and_what_is_next_is_shown(stage: Stage) -> None:
    walk = Walk()
    walk.begin()
    project = walk.project if stage is Stage.SCOPE else Walk().to(stage).project
    view = home("ana", [project], {}, NOW)
    check_view(view)
    assert ("Missing at the gate" in words(view)) == (stage is not Stage.LAUNCHED)
    assert "*Next: " in words(view)
    assert not [each for each in said(view) if "PATH" in each or "NAME" in each]


def test_a_viewer_reads_what_is_next_and_is_offered_nothing_that_would_be_refused() -> None:
    project = Walk().to(Stage.ASSESS).project
    cai, dee = (home(actor, [project], {}, NOW) for actor in ("cai", "dee"))
    assert "*Next: " in words(cai)
    assert "*Next: " in words(dee)
    assert "Do it" in [b["text"]["text"] for b in values(cai["blocks"], "button")]
    assert "Do it" not in [b["text"]["text"] for b in values(dee["blocks"], "button")]


def test_the_picture_of_the_stages() -> None:
    assert stages(Stage.SELECT) == "✓ scope  ›  *● select*  ›  ○ assess  ›  ○ align  ›  ○ deploy  ›  ○ integrate"
    assert stages(Stage.LAUNCHED).count("✓") == 6


@pytest.mark.parametrize("count", [2, 9, 30, 99, 150])
def test_any_number_of_projects_fits_and_what_waits_comes_first(count: int) -> None:
    walk = Walk()
    walk.begin()
    others = [walk.project.model_copy(update={"id": f"q{n}", "name": f"other-{n}"}) for n in range(count)]
    jobs = {each.id: [job(id=f"j{n}", step="x", done=1, total=2) for n in range(8)] for each in others}
    view = home("ben", [*others, ASKED], jobs, NOW)
    check_view(view)
    told = words(view)
    assert told.index("support-desk") < told.index("other-0")
    left = count + 1 - told.count("other-") - 1
    assert ("more: `projects` lists them all" in told) == (left > 0)


# --- modals ------------------------------------------------------------------------------------------------------


def test_the_reason_modal_carries_what_it_was_opened_for() -> None:
    origin = Origin(press=Press(say="reject 31", seen="sha256:1", project="p-1"), place=PLACE, thread=PLACE.key)
    view = reason_modal(origin)
    check_view(view)
    assert Origin.parse(str(view["private_metadata"])) == origin
    assert view["title"]["text"] == "Reject 31"  # type: ignore[index, call-overload]
    assert view["submit"]["text"] == "Reject"  # type: ignore[index, call-overload]


def test_a_passage_says_where_it_stands_and_that_it_is_cut() -> None:
    view = passage_modal(Passage.of(cited("word " * 1000), 2))
    check_view(view)
    assert "LoRA › Merging" in words(view)
    assert "longer than what is shown" in words(view)


def test_the_other_modals_fit() -> None:
    check_view(new_project_modal())
    check_view(job_modal(job("failed", error="It ran out of memory; a smaller batch fits.", seconds=3.0)))
