"""The page's states by axe-core: no serious or critical finding, in light and dark."""

from typing import Any

import pytest

GENERAL = "C00GENERAL"
GRAVE = ("serious", "critical")


@pytest.fixture
def findings() -> Any:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def grave(page: Any, within: str | None = None) -> list[str]:
        told = []
        rules = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}  # all else is the same in the dark
        for scheme, some in rules.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = axe.run(page, within, options={"resultTypes": ["violations"], **some}).response["violations"]
            for each in found:
                if each["impact"] in GRAVE:
                    told += [
                        f"{scheme} {each['id']}: {node['html'][:160]} {node['failureSummary']}"
                        for node in each["nodes"]
                    ]
        return told

    return grave


def test_nothing_grave_in_the_main_states(app: Any, open_page: Any, samples: Any, findings: Any) -> None:
    page = open_page(viewport={"width": 1300, "height": 2400})
    for name, blocks in samples["messages"].items():
        app.post(GENERAL, name, blocks=blocks)
    app.web.chat_postEphemeral(channel=GENERAL, user="U000000ADA", text="only <@U000000ADA>")
    page.get_by_text("Only visible to you").last.wait_for()
    assert findings(page) == [], "channel"

    page.get_by_label("Write a message").fill("a question")
    page.keyboard.press("Enter")
    asked = page.locator(".main .message", has_text="a question").last
    asked.wait_for()
    ts = asked.get_attribute("data-ts")
    app.post(
        GENERAL,
        "an *answer*",
        thread_ts=ts,
        blocks=samples["messages"]["markdown"] + samples["messages"]["context_actions"],
    )
    app.web.assistant_threads_setStatus(channel_id=GENERAL, thread_ts=ts, status="is thinking…")
    app.web.api_call(
        "agents.sessions.setStatus", params={"channel_id": GENERAL, "thread_ts": ts, "status": "processing"}
    )
    asked.get_by_role("button", name="1 reply").click()
    page.get_by_role("button", name="Stop").wait_for()
    assert findings(page, ".thread") == [], "thread"

    modal = samples["modal"] | {"blocks": samples["alerts"] + samples["modal"]["blocks"]}
    app.on["block_actions"] = lambda payload: app.web.views_open(trigger_id=payload["trigger_id"], view=modal)
    page.get_by_role("button", name="Open", exact=True).last.click()
    dialog = page.get_by_role("dialog", name="New project")
    dialog.get_by_role("button", name="Create").click()
    dialog.get_by_text("Please complete this required field.").first.wait_for()
    assert findings(page, "dialog") == [], "modal"
    dialog.get_by_role("button", name="Task").click()
    page.get_by_role("option", name="Extraction").wait_for()
    assert findings(page, ".menu") == [], "menu"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")

    app.web.views_publish(user_id="U000000ADA", view=samples["home"])
    page.get_by_role("navigation", name="Channels and people").get_by_role("button", name="Odyssey").click()
    page.get_by_role("button", name="Ask to advance").wait_for()
    assert findings(page) == [], "home"


def test_nothing_grave_where_one_chooses_who_one_is(browser: Any, workspace: Any, findings: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(workspace.server.url)
    page.get_by_role("button", name="Grace Hopper").wait_for()
    assert "not Slack" in page.locator(".picker").inner_text()
    assert findings(page) == []
    page.get_by_role("button", name="Grace Hopper").click()
    page.get_by_label("Write a message").wait_for()
    context.close()
