"""The page in a real browser: talking, threads, modals, the app's home, files, keys, themes, two people at once."""

import base64
import re
from contextlib import closing
from pathlib import Path
from typing import Any

from workspace_case import Workspace

GENERAL = "C00GENERAL"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def message(page: Any, text: str) -> Any:
    return page.locator(".main .log .message").filter(has_text=text)


def write(page: Any, text: str, label: str = "Write a message") -> None:
    page.get_by_label(label).fill(text)
    page.keyboard.press("Enter")


def test_two_people_see_the_same_channel_and_an_ephemeral_only_its_own(app: Any, open_page: Any) -> None:
    ada, grace = open_page("U000000ADA"), open_page("U0000GRACE")
    write(ada, "two people\nand *one* channel")
    message(grace, "and one channel").wait_for()
    assert message(grace, "and one channel").locator(".author").inner_text() == "Ada Lovelace"
    assert "Ada Lovelace: two people" in grace.get_by_role("log", name="New messages").inner_text()
    app.web.chat_postEphemeral(channel=GENERAL, user="U000000ADA", text="for your eyes")
    write(grace, "said after it")
    message(ada, "said after it").wait_for()
    assert "Only visible to you" in message(ada, "for your eyes").inner_text()
    message(grace, "said after it").wait_for()
    assert message(grace, "for your eyes").count() == 0


def test_mentions_and_commands_are_completed_and_sent_as_slack_sends_them(app: Any, open_page: Any) -> None:
    page = open_page()
    field = page.get_by_label("Write a message")
    field.press_sequentially("@ody")
    page.get_by_role("option", name="@odyssey").wait_for()
    page.keyboard.press("Tab")
    field.press_sequentially("what is next?")
    page.keyboard.press("Enter")
    assert app.wait("app_mention")["event"]["text"] == "<@U0ODYSSEY> what is next?"
    message(page, "@Odyssey what is next?").wait_for()
    field.press_sequentially("/od")
    page.keyboard.press("Enter")
    field.press_sequentially("status")
    page.keyboard.press("Enter")
    command = app.wait("slash_commands")
    assert (command["command"], command["text"], command["channel_id"]) == ("/odyssey", "status", GENERAL)
    write(page, "/nonsense")
    page.get_by_role("alert").filter(has_text="/nonsense is no command").wait_for()
    assert field.input_value() == "/nonsense"


def write_held(page: Any, text: str) -> Any:
    """Writes a message whose request is kept back; gives its route."""
    held: list[Any] = []
    page.route("**/people/say", lambda route: held.append(route), times=1)
    write(page, text)
    while not held:  # the request is told of before its route is
        page.evaluate("() => new Promise(requestAnimationFrame)")
    return held[0]


def test_what_is_sent_while_a_message_is_on_its_way_follows_it_in_order(app: Any, open_page: Any) -> None:
    page = open_page()
    first = write_held(page, "first of two")
    write(page, "second of two")
    assert page.get_by_label("Write a message").input_value() == ""
    first.continue_()
    message(page, "second of two").wait_for()
    shown = page.locator(".main .log .message").all_inner_texts()
    assert ["first of two" in text for text in shown[-2:]] == [True, False]


def test_what_was_refused_stands_again_before_what_was_written_since(app: Any, open_page: Any) -> None:
    page = open_page()
    refused = write_held(page, "a sentence that is refused")
    page.get_by_label("Write a message").fill("and its sequel")
    refused.fulfill(json={"ok": False, "error": "not_now"})
    page.get_by_role("alert").filter(has_text="not_now").wait_for()
    assert page.get_by_label("Write a message").input_value() == "a sentence that is refused\nand its sequel"


def test_a_thread_streams_and_can_be_stopped(app: Any, open_page: Any) -> None:
    page = open_page()
    write(page, "a long question")
    asked = message(page, "a long question")
    asked.wait_for()
    ts = asked.get_attribute("data-ts")
    app.web.assistant_threads_setStatus(channel_id=GENERAL, thread_ts=ts, status="is thinking…")
    asked.get_by_text("Odyssey is thinking…").wait_for()
    asked.hover()
    asked.get_by_role("button", name="Reply in thread").click()
    thread = page.get_by_role("complementary", name="Thread")
    thread.get_by_text("Odyssey is thinking…").wait_for()
    stream = app.web.chat_startStream(
        channel=GENERAL,
        thread_ts=ts,
        recipient_user_id="U000000ADA",
        recipient_team_id="T000LOCAL",
        markdown_text="one **two",
    )
    answer = thread.locator(".message.streaming")
    answer.filter(has_text="one **two").wait_for()
    app.web.chat_appendStream(channel=GENERAL, ts=stream["ts"], markdown_text="** three")
    answer.filter(has_text="one two three").wait_for()
    app.web.api_call(
        "agents.sessions.setStatus", params={"channel_id": GENERAL, "thread_ts": ts, "status": "processing"}
    )
    thread.get_by_role("button", name="Stop").click()
    assert app.wait("agent_session_stopped")["event"]["thread_ts"] == ts
    thread.locator(".message:not(.streaming)").filter(has_text="one two three").wait_for()
    write(page, "thanks", "Reply in the thread")
    thread.locator(".message").filter(has_text="thanks").wait_for()
    message(page, "a long question").get_by_text("2 replies").wait_for()
    page.keyboard.press("Escape")
    thread.wait_for(state="hidden")


def test_a_modal_is_filled_refused_and_sent(app: Any, open_page: Any, samples: Any) -> None:
    page = open_page()
    app.on["block_actions"] = lambda payload: app.web.views_open(
        trigger_id=payload["trigger_id"], view=samples["modal"]
    )
    app.post(GENERAL, blocks=samples["messages"]["card"])
    opener = page.locator(".card").last.get_by_role("button", name="Open")
    opener.click()
    dialog = page.get_by_role("dialog", name="New project")
    dialog.get_by_role("button", name="Create").click()
    dialog.get_by_text("Please complete this required field.").first.wait_for()
    assert dialog.get_by_label("Name").evaluate("field => field === document.activeElement")
    app.answers["everything"] = {"response_action": "errors", "errors": {"name": "A project of this name exists."}}
    dialog.get_by_label("Name").fill("desk")
    dialog.get_by_label("What should it do?").fill("read tickets\ninto fields")
    dialog.get_by_role("button", name="Task").click()
    page.get_by_role("option", name="Extraction").click()
    dialog.get_by_role("checkbox", name="Two approvers").check()
    dialog.get_by_role("radio", name="An existing model").check()
    dialog.get_by_role("button", name="Approvers").click()
    page.get_by_role("option", name="Alan Turing").click()
    page.keyboard.press("Escape")
    dialog.locator("input[type=file]").set_input_files(
        [{"name": "rows.jsonl", "mimeType": "application/jsonl", "buffer": b"{}"}]
    )
    dialog.get_by_text("rows.jsonl").wait_for()
    dialog.get_by_role("button", name="Create").click()
    dialog.get_by_text("A project of this name exists.").wait_for()
    assert dialog.get_by_label("What should it do?").input_value() == "read tickets\ninto fields"
    app.answers.clear()
    dialog.get_by_label("Name").fill("desk-2")
    dialog.get_by_role("button", name="Create").click()
    dialog.wait_for(state="hidden")
    sent = app.wait(
        "view_submission", lambda each: each["view"]["state"]["values"]["name"]["value"]["value"] == "desk-2"
    )
    values = {block: held["value"] for block, held in sent["view"]["state"]["values"].items()}
    assert values["task"]["selected_option"]["value"] == "extraction"
    assert [each["value"] for each in values["rules"]["selected_options"]] == ["two"]
    assert values["team"]["selected_users"] == ["U00000ALAN"]
    assert len(values["files"]["files"]) == 1
    assert opener.evaluate("button => button === document.activeElement")


def test_modals_stack_and_escape_closes_them(app: Any, open_page: Any, samples: Any) -> None:
    page = open_page()
    second = samples["modal"] | {
        "callback_id": "second",
        "title": {"type": "plain_text", "text": "Second"},
        "notify_on_close": True,
    }
    first = samples["modal"] | {"callback_id": "first"}
    app.on["block_actions"] = lambda payload: app.web.views_open(trigger_id=payload["trigger_id"], view=first)
    app.answers["first"] = {"response_action": "push", "view": second}
    app.post(GENERAL, blocks=samples["messages"]["card"])
    page.locator(".card").last.get_by_role("button", name="Open").click()
    dialog = page.get_by_role("dialog", name="New project")
    dialog.get_by_label("Name").fill("desk")
    dialog.get_by_label("What should it do?").fill("read")
    dialog.get_by_role("button", name="Task").click()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Create").click()
    page.get_by_role("dialog", name="Second").wait_for()
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
    page.keyboard.press("Escape")
    assert app.wait("view_closed")["view"]["callback_id"] == "second"
    app.answers.clear()
    page.get_by_role("dialog", name="Second").wait_for(state="detached")
    if page.locator("dialog[open]").count():
        page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")


def test_files_come_by_button_and_by_drop(open_page: Any, app: Any, workspace: Workspace) -> None:
    page = open_page()
    page.locator(".main input[type=file]").set_input_files(
        [{"name": "tickets.jsonl", "mimeType": "application/jsonl", "buffer": b"{}\n" * 50}]
    )
    page.evaluate(
        """() => {
          const carried = new DataTransfer();
          carried.items.add(new File([new Uint8Array([1, 2, 3])], "notes.bin"));
          const drop = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
          document.querySelector(".main .pane").dispatchEvent(drop);
        }"""
    )
    page.locator(".chosen-files li:not(.loading)").nth(1).wait_for()
    write(page, "two files")
    said = message(page, "two files")
    said.wait_for()
    assert said.locator(".file strong").all_inner_texts() == ["tickets.jsonl", "notes.bin"]
    with page.expect_download() as download:
        said.locator(".file").first.click()
    assert Path(download.value.path()).read_bytes() == b"{}\n" * 50
    assert len(app.wait("message", lambda each: each["event"].get("subtype") == "file_share")["event"]["files"]) == 2


def test_the_home_tab_and_prompts_work(app: Any, open_page: Any, samples: Any) -> None:
    app.on.pop("block_actions", None)
    page = open_page()
    page.get_by_role("navigation", name="Channels and people").get_by_role("button", name="Odyssey").click()
    assert app.wait("app_home_opened")["event"]["tab"] == "home"
    app.web.views_publish(user_id="U000000ADA", view=samples["home"])
    page.get_by_role("button", name="Ask to advance").click()
    pressed = app.wait("block_actions")
    assert (pressed["actions"][0]["action_id"], pressed["view"]["type"]) == ("advance", "home")
    page.get_by_role("button", name="Messages", exact=True).click()
    direct = app.wait("app_home_opened", lambda each: each["event"]["tab"] == "messages")["event"]["channel"]
    prompts = [{"title": "Where are my projects?", "message": "status of all"}]
    app.web.assistant_threads_setSuggestedPrompts(channel_id=direct, title="Begin here", prompts=prompts)
    page.get_by_role("button", name="Where are my projects?").click()
    assert app.wait("message", lambda each: each["event"].get("text") == "status of all")["event"]["channel"] == direct


def test_a_message_is_handed_to_the_app_edited_and_deleted(app: Any, open_page: Any) -> None:
    page = open_page()
    write(page, "what is LoRA")
    own = message(page, "what is LoRA")
    own.wait_for()

    def act(name: str, where: Any) -> None:
        where.hover()
        where.get_by_role("button", name="Message actions").click()
        page.get_by_role("menuitem", name=name).click()

    act("Ask Odyssey about this", own)
    assert app.wait("message_action")["message"]["text"] == "what is LoRA"
    act("React with 👀", own)
    own.get_by_role("button", name="eyes").wait_for()
    act("Edit", own)
    page.get_by_label("Edit the message").fill("what is QLoRA")
    page.keyboard.press("Enter")
    edited = message(page, "what is QLoRA")
    edited.get_by_text("(edited)").wait_for()
    act("Delete", edited)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    edited.wait_for(state="detached")


def test_a_reload_keeps_person_channel_and_thread(app: Any, open_page: Any) -> None:
    page = open_page("U0000GRACE", "C00SUPPORT")
    ts = app.post("C00SUPPORT", "a root to keep")
    root = message(page, "a root to keep")
    root.hover()
    root.get_by_role("button", name="Reply in thread").click()
    page.get_by_role("complementary", name="Thread").get_by_text("a root to keep").wait_for()
    page.reload()
    page.get_by_role("complementary", name="Thread").get_by_text("a root to keep").wait_for()
    assert page.url.endswith(f"#/U0000GRACE/C00SUPPORT/{ts}")
    assert "Grace Hopper" in page.locator(".acting").inner_text()
    page.keyboard.press("Alt+ArrowUp")
    page.wait_for_url(re.compile(f"#/U0000GRACE/{GENERAL}$"))


def test_what_is_unread_is_marked_until_it_is_seen(app: Any, open_page: Any) -> None:
    page = open_page("U00000ALAN", GENERAL)
    row = page.get_by_role("navigation", name="Channels and people").get_by_role("button", name="support-desk")
    row.click()
    page.wait_for_url(re.compile("C00SUPPORT"))
    page.get_by_role("navigation", name="Channels and people").get_by_role("button", name="general").click()
    app.post("C00SUPPORT", "news for Alan")
    page.locator(".side-row.unread", has_text="support-desk").wait_for()
    row.click()
    message(page, "news for Alan").wait_for()
    page.locator(".unread-line").wait_for()
    page.locator(".side-row.unread", has_text="support-desk").wait_for(state="detached")


def test_the_theme_follows_the_system_and_the_switch(open_page: Any, app: Any) -> None:
    page = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert dark != light
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    page.get_by_role("button", name="Theme: dark").wait_for()
    assert page.evaluate(ground) == dark
    page.reload()
    page.get_by_role("button", name="Theme: dark").wait_for()
    assert page.evaluate(ground) == dark


def test_a_lost_connection_shows_and_comes_back_with_what_was_missed(browser: Any, tmp_path: Path) -> None:
    with Workspace(tmp_path) as own, closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{own.server.url}/#/U00000ALAN/{GENERAL}")
        page.get_by_label("Write a message").wait_for()
        own.close()
        page.locator(".line-state", has_text="Connection lost").wait_for()
        own.restart()
        own.person("ada").say("general", "while the line was down")
        message(page, "while the line was down").wait_for()
        page.locator(".line-state").wait_for(state="hidden")
        write(page, "back again")
        message(page, "back again").wait_for()


def test_the_phone_has_one_column_and_nothing_sticks_out(app: Any, open_page: Any, samples: Any) -> None:
    page = open_page(where="C00SUPPORT", viewport={"width": 390, "height": 844})
    for name, blocks in samples["messages"].items():
        app.post("C00SUPPORT", name, blocks=blocks)
    message(page, "Candidate 1").last.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = page.locator(".main .log-list").evaluate(
        """list => [...list.querySelectorAll('.block:not(.carousel .card)')]
          .filter(each => each.getBoundingClientRect().right > 391).map(each => each.className)"""
    )
    assert wide == []
    page.get_by_role("button", name="Channels and people").click()
    page.get_by_role("navigation", name="Channels and people").get_by_role("button", name="general").click()
    page.wait_for_url(re.compile(GENERAL))


def test_pictures_have_their_words_and_nothing_comes_from_elsewhere(app: Any, open_page: Any) -> None:
    page = open_page()
    app.web.files_upload_v2(
        channel=GENERAL, content=PICTURE, filename="loss.png", alt_txt="Loss falls to 0.41", title="Loss"
    )
    picture = page.get_by_role("img", name="Loss falls to 0.41")
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    file = page.locator(".picture-link").last.get_attribute("href")
    elsewhere = {"type": "image", "image_url": "https://example.org/x.png?secret", "alt_text": "a far picture"}
    inside = {
        "type": "image",
        "slack_file": {"id": file.split("/files/")[1].split("/")[0]},
        "alt_text": "a near picture",
    }
    app.post(GENERAL, blocks=[elsewhere, inside])
    page.get_by_role("link", name="a far picture").wait_for()
    near = page.get_by_role("img", name="a near picture")
    assert near.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1


def test_one_can_become_somebody_else(app: Any, open_page: Any) -> None:
    page = open_page("U000000ADA", "C00SUPPORT")
    write(page, "said by Ada")
    page.get_by_role("button", name="Acting as Ada Lovelace").click()
    page.get_by_role("option", name="Grace Hopper").click()
    page.wait_for_url(re.compile("#/U0000GRACE/C00SUPPORT"))
    page.get_by_role("button", name="Acting as Grace Hopper").wait_for()
    message(page, "said by Ada").wait_for()
    write(page, "said by Grace")
    said = message(page, "said by Grace")
    said.wait_for()
    assert said.locator(".author").inner_text() == "Grace Hopper"
    page.get_by_role("button", name="Alan Turing").click()
    page.get_by_role("heading", name="Alan Turing", level=1).wait_for()
    write(page, "between us")
    message(page, "between us").wait_for()


def test_a_growing_answer_leaves_its_reader_where_they_are(app: Any, open_page: Any) -> None:
    """While an answer grows, who has scrolled up stays there."""
    page = open_page("U0000GRACE", "C00SUPPORT", viewport={"width": 1200, "height": 500})
    root = app.post("C00SUPPORT", "the root of a long answer")
    page.goto(page.url.split("#")[0] + f"#/U0000GRACE/C00SUPPORT/{root}")
    thread = page.get_by_role("complementary", name="Thread")
    thread.get_by_text("the root of a long answer").wait_for()
    parts = [f"\n\n## Part {part}\n\n" + "some words " * 90 for part in range(12)]
    to = {"recipient_user_id": "U0000GRACE", "recipient_team_id": "T000LOCAL"}
    stream = app.web.chat_startStream(channel="C00SUPPORT", thread_ts=root, markdown_text=parts[0], **to)
    for part in parts[1:6]:
        app.web.chat_appendStream(channel="C00SUPPORT", ts=stream["ts"], markdown_text=part)
    thread.get_by_role("heading", name="Part 5").wait_for()
    log = thread.locator(".log")
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 90
    log.evaluate("log => log.scrollTo(0, 0)")
    page.wait_for_function("() => document.querySelector('.thread .log').scrollTop === 0")
    for part in parts[6:]:
        app.web.chat_appendStream(channel="C00SUPPORT", ts=stream["ts"], markdown_text=part)
    app.web.chat_stopStream(channel="C00SUPPORT", ts=stream["ts"])
    thread.locator(".message:not(.streaming)", has_text="Part 11").wait_for()
    assert log.evaluate("log => log.scrollTop") == 0


def test_a_channel_is_made_left_and_joined_again(app: Any, open_page: Any) -> None:
    page = open_page()
    page.get_by_role("button", name="Make a channel").click()
    page.get_by_role("dialog").get_by_label("Name").fill("new-model")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="new-model", level=1).wait_for()
    page.get_by_role("button", name="2 members").click()
    page.get_by_role("menuitem", name="Leave the channel").click()
    page.get_by_role("button", name="Join it").click()
    write(page, "here again")
    message(page, "here again").wait_for()
