"""The report on walks through the whole life cycle: what it says, and that it carries everything itself."""

import json
import re
import struct
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from walk import INT8, MINILM, Numbers, Walk, difference, record

from agent.lifecycle.events import GoBack, SetCharter, Waive
from agent.lifecycle.stages import Stage
from tools import digest
from tools.contract import Metric, Result
from tools.errors import UserFault
from tools.report.page import report_html, report_markdown
from tools.report.plots import draw_all
from tools.report.run import pictures
from tools.report.snapshot import Snapshot, read
from tools.report.story import samples, steps
from tools.report.summary import summary
from tools.report.verdict import verdict

Report = Callable[..., tuple[Result, Path]]


def snapshot(walk: Walk) -> Snapshot:
    return Snapshot.model_validate_json(json.dumps(record(walk)))


class Page(HTMLParser):
    """Tags opened and not closed, and everything the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in ("meta", "img", "source", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(folder: Path) -> Page:
    page = Page()
    page.feed((folder / "report.html").read_text(encoding="utf-8"))
    page.close()
    return page


def test_everything_is_written_with_its_digest(desk_report: tuple[Result, Path]) -> None:
    result, folder = desk_report
    assert result.facts["model_card"] == "model-card.md"
    assert {a.path for a in result.artefacts} == {
        "model-card.md", "report.md", "report.html", "plots/score.png", "plots/alignment.png", "plots/serving.png",
        "plots/effect.png", "plots/time.png",
    }  # fmt: skip
    for artefact in result.artefacts:
        assert digest.of_file(folder / artefact.path) == artefact.digest
    assert {a.kind for a in result.artefacts} == {"report", "plot"}
    assert result.summary.startswith("support-desk is ready to launch.")


def test_the_page_is_whole_and_loads_nothing(desk_report: tuple[Result, Path]) -> None:
    page = parsed(desk_report[1])
    assert "客服助手" in page.text
    assert page.open == []
    assert len(page.loads) == 10  # five plots, each light and dark
    assert all(load.startswith("data:image/png;base64,") for load in page.loads)


def test_every_number_of_the_walk_stands_in_it_with_its_run(desk_report: tuple[Result, Path], desk: Walk) -> None:
    folder = desk_report[1]
    page, markdown = parsed(folder).text, (folder / "report.md").read_text(encoding="utf-8")
    for row in summary(snapshot(desk)):
        for text in (row.after, row.run, row.measure):
            assert text in page
            assert text in markdown
    for said in ("ben", "aligned-int8", "2026-03-02 09:04 UTC", "sha256:", "invented facts"):
        assert said in page


def test_the_model_card_is_of_this_model_alone(desk_report: tuple[Result, Path]) -> None:
    card = (desk_report[1] / "model-card.md").read_text(encoding="utf-8")
    assert "# Model card: aligned-int8" in card
    assert (
        "tiny (pre-trained) → tuned (LoRA fine-tuning) → aligned (GRPO against a reward model) → aligned-int8" in card
    )
    assert "exact match | 95.0 % [93.0, 97.0] | 400" in card
    assert "11.8 %" not in card
    assert "| j40 | aligned | safety test | checklist pass | 90.0 % [79.0, 98.0] | 30 |" in card


def test_markdown_tables_hold_whatever_people_write() -> None:
    walk = Walk(numbers=Numbers(latency_ms=900)).to(Stage.DEPLOY, work=True)
    walk.ok(Waive(requirement="latency", reason="a | bar\nand <b>tags</b>"))
    for block in re.findall(r"(?:^\|.*\n)+", report_markdown(snapshot(walk), {}), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_what_people_write_is_text_and_no_markup() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    walk.ok(SetCharter(description="<script>alert(1)</script>", risks="<img src=https://x.example/y>"))
    html = report_html(snapshot(walk), (), ())
    assert "<script" not in html
    assert "<img src=http" not in html
    assert "&lt;script&gt;" in html


def test_a_classifier_has_no_alignment_and_abstains(report: Report) -> None:
    walk = Walk().classify()
    result, folder = report(walk)
    assert "plots/alignment.png" not in {a.path for a in result.artefacts}
    page = parsed(folder).text
    assert "a label has no tone" in page
    assert "accuracy of what is decided" in page
    assert "support-desk is launched." in page


def test_leaving_questions_to_people_is_not_taken_for_retrieval(report: Report) -> None:
    walk = Walk().to(Stage.INTEGRATE)
    kept = Metric(name="recall@1_kept", value=0.97, low=0.95, high=0.99, n=360, split="test")
    whole = Metric(name="recall@1", value=0.92, n=400, split="test")
    effect = difference("recall@1", INT8, 0.05, 0.02, 400)
    made = Result(summary="abstains", split="test", metrics=(kept, whole), comparisons=(effect,))
    walk.job("augment", made, model="current", data="tickets", kind="abstain")
    walk.card()
    page = parsed(report(walk)[1]).text
    assert "Abstaining where it is unsure moves recall@1 of what is decided from 92.0 % to 97.0 %" in page
    assert "with retrieval" not in page


def test_the_runs_own_plots_are_carried_where_they_lie(
    desk_report: tuple[Result, Path], desk: Walk, tmp_path: Path
) -> None:
    png = (desk_report[1] / "plots" / "score.png").read_bytes()
    for job, name in (("j29", "loss.png"), ("j999", "foreign.png")):
        folder = tmp_path / "jobs" / job
        folder.mkdir(parents=True)
        (folder / name).write_bytes(png)
    found = pictures(snapshot(desk), tmp_path / "jobs")
    assert [(p.run, p.name) for p in found] == [("j29", "loss")]
    assert "Plots of the runs (1)" in report_html(snapshot(desk), (), found)


def test_a_project_that_has_only_a_model_is_reported_too(report: Report) -> None:
    walk = Walk().classify(Stage.SELECT)
    walk.project = walk.project.model_copy(
        update={"candidates": {"minilm": MINILM}, "current": "minilm", "evidence": ()}
    )
    result, folder = report(walk)
    assert result.facts["ready"] is False
    assert "Nothing has been measured yet." in parsed(folder).text


# --- what is said ------------------------------------------------------------------------------------------------


def test_ready_is_what_lacks_nothing_but_the_card(desk: Walk) -> None:
    found = verdict(snapshot(desk))
    assert found.ready
    assert "exact match 95.0 % [93.0, 97.0] on 400 held-out items, clearing the target of 90.0 % (j45)" in found.text
    assert "No requirement was waived." in found.text


def test_not_ready_names_what_is_missing() -> None:
    walk = Walk(numbers=Numbers(model_card=False, effect_low=-0.1)).to(Stage.INTEGRATE, work=True)
    found = verdict(snapshot(walk))
    assert not found.ready
    assert "what was added around the model helps, measured" in found.text


def test_an_earlier_stage_is_not_ready() -> None:
    found = verdict(snapshot(Walk().to(Stage.ALIGN, work=True)))
    assert not found.ready
    assert "4 Adapt and align" in found.text


def test_the_summary_says_before_and_after_with_run_and_time(desk: Walk) -> None:
    rows = {(r.tool, r.measure): r for r in summary(snapshot(desk)) if r.stage.startswith(("4", "5", "6"))}
    tone = rows["evaluate", "win rate over tuned"]
    assert (tone.before, tone.after, tone.items, tone.run) == ("even: 50 %", "66.0 % [58.0, 74.0]", "120", "j38")
    prompted = next(r for r in summary(snapshot(desk)) if r.tool == "prompt")
    assert (prompted.before, prompted.after) == ("12.0 % (zero-shot)", "14.0 % [11.0, 17.0]")
    size = rows["quantize", "size on disk"]
    assert (size.before, size.after, size.seconds) == ("3.27 MB", "1.25 MB", 4)
    facts = rows["augment", "right facts"]
    assert (facts.before, facts.after) == ("3.0 % (without)", "80.0 % [70.0, 90.0]")
    assert rows["serve", "latency 95th percentile"].before == "limit 400 ms"


def test_stages_show_what_was_skipped_and_waived_and_where_it_is() -> None:
    walk = Walk(numbers=Numbers(score_low=0.8)).to(Stage.ASSESS, work=True)
    walk.ok(Waive(requirement="target", reason="a pilot"))
    walk.leave()
    assert [s.state for s in steps(snapshot(walk))] == ["done", "done", "waived", "current", "ahead", "ahead"]
    walk.ok(GoBack(stage=Stage.SELECT, reason="another model"))
    assert [s.state for s in steps(snapshot(walk))] == ["done", "current", "ahead", "ahead", "ahead", "ahead"]
    assert [s.state for s in steps(snapshot(Walk().classify()))][3] == "skipped"


def test_samples_are_read_in_whatever_words_a_tool_keeps_them() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    kept = [
        {"text": "hi", "label": "greeting", "predicted": "greeting"},
        {"prompt": "p", "completion": "a", "answer": "b"},
        {"question": "q", "answer": "x", "correct": True},
        {"nonsense": 1},
    ]
    walk.job("evaluate", Result(summary="s", facts={"samples": kept}), model="tuned", data="tickets")
    shown = [(s.question, s.wanted, s.given, s.right) for s in samples(snapshot(walk))]
    assert shown == [("hi", "greeting", "greeting", True), ("p", "a", "b", False), ("q", "", "x", True)]


# --- the record and the plots ------------------------------------------------------------------------------------


def test_a_broken_record_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    with pytest.raises(UserFault, match="cannot be read"):
        read(path)
    path.write_text('{"as_of": "2026-03-02T09:00:00Z", "project": {"id": "p"}}', encoding="utf-8")
    with pytest.raises(UserFault, match=r"not complete at project\.name"):
        read(path)


def test_plots_are_pictures_in_two_colours(desk: Walk) -> None:
    for plot in draw_all(snapshot(desk)):
        assert plot.light != plot.dark
        for png in (plot.light, plot.dark):
            assert png.startswith(b"\x89PNG")
            width, height = struct.unpack(">II", png[16:24])
            assert 600 < width < 1400
            assert 100 < height < 1400


def test_plots_are_drawn_from_what_is_there() -> None:
    assert [p.name for p in draw_all(snapshot(Walk().to(Stage.SELECT)))] == ["time"]
    names = [p.name for p in draw_all(snapshot(Walk().classify()))]
    assert names == ["score", "serving", "effect", "time"]
