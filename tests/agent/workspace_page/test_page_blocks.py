"""Block Kit drawn by the page: every block, its elements, and text that must stay text."""

import json
import re
from typing import Any

import pytest

SHOWN = {
    "section": [
        "Gate: assess and train",
        "a quoted line",
        "code <b>block</b>",
        "@Grace Hopper",
        "#general",
        "🚀",
        ":no_such_emoji:",
        "3 < 4 &amp;",
    ],
    "section_fields": ["Primary metric", "exact match ≥ 0.90"],
    "header": ["Approval 31: deploy the int8 model"],
    "divider": [],
    "context": ["asked by @Ada Lovelace"],
    "actions": ["Approve", "Reject", "Model", "Reviewer", "LoRA", "Smoke run first"],
    "rich_text": ["Bold", "outer", "inner", "quoted", "x = 1"],
    "markdown": ["What the gate reads", "seed 7", "A waiver is shown.", "<b>not html</b>", "0.92–0.95"],
    "table": ["Candidate", "tiny + LoRA", "0.934"],
    "task_card": ["Searching the guides", "three passages so far", "The LoRA guide"],
    "plan": ["Fine-tuning job j17", "1 of 4", "Training: 340 of 600 steps", "no space left"],
    "context_actions": [],
    "card": ["support-desk", "Stage 3 of 6", "Open"],
    "carousel": ["Candidate 1", "Candidate 4", "Choose"],
    "container": ["What changed", "since the card was posted"],
    "image": ["Loss over 600 steps, falling to 0.41"],
}


def test_every_block_is_drawn_as_it_was_posted(app: Any, open_page: Any, samples: Any) -> None:
    page = open_page(where="C00SUPPORT")
    assert set(SHOWN) == set(samples["messages"])
    for name, texts in SHOWN.items():
        ts = app.post("C00SUPPORT", name, blocks=samples["messages"][name])
        body = page.locator(f'.log [data-ts="{ts}"] .message-body')
        body.wait_for()
        shown = body.inner_text()
        assert [text for text in texts if text not in shown] == [], name
        assert body.locator(".unknown").count() == 0, name


def test_marks_lists_and_tables_have_the_elements_that_screen_readers_know(
    app: Any, open_page: Any, samples: Any
) -> None:
    page = open_page(where="C00SUPPORT")
    ts = app.post("C00SUPPORT", blocks=samples["messages"]["section"] + samples["messages"]["markdown"])
    section, text = page.locator(f'.log [data-ts="{ts}"] .section'), page.locator(f'.log [data-ts="{ts}"] .markdown')
    section.wait_for()
    for tag in ("strong", "em", "s", "code", "blockquote", "ul > li", "ol > li", "pre", "time"):
        assert section.locator(tag).count() > 0, tag
    assert text.get_by_role("heading", name="What the gate reads").count() == 1
    assert text.locator("ul ul li").inner_text() == "seed 7"
    assert text.get_by_role("columnheader").all_inner_texts() == ["run", "exact match", "interval"]
    assert text.locator(".task").count() == 2
    link = section.get_by_role("link", name="a link")
    assert link.get_attribute("href") == "https://example.org/a?b=1&c=2"
    assert (link.get_attribute("rel"), link.get_attribute("target")) == ("noopener noreferrer", "_blank")
    assert text.locator("a").evaluate_all("each => each.map(a => a.protocol)") == ["https:", "https:"]


HOSTILE = [
    "<img src=x onerror=\"document.title='taken'\">",
    "<script>document.title='taken'</script>",
    "<javascript:document.title='taken'|press>",
    "<data:text/html,hello|press>",
    "[press](javascript:document.title='taken') [press](JaVaScRiPt:alert(1)) <javascript:alert(1)>",
    "![x](https://evil.example/leak.png?secret)",
    '*_~`<@U"><svg/onload=alert(1)>',
    "[" * 3000,
    "*a " * 2000,
    "> " * 500 + "deep",
    "\u202eright to left \u0000 nothing",
]


def test_hostile_text_stays_text(app: Any, open_page: Any) -> None:
    page = open_page(where="C00SUPPORT")
    for text in HOSTILE:
        mrkdwn = {"type": "section", "text": {"type": "mrkdwn", "text": text[:2900]}}
        ts = app.post("C00SUPPORT", text[:2900], blocks=[mrkdwn, {"type": "markdown", "text": text[:8000]}])
        body = page.locator(f'.log [data-ts="{ts}"] .message-body')
        body.wait_for()
        assert body.locator("script, img, svg:not(.icon), iframe, style, object, embed, form").count() == 0, text
        addresses = body.locator("[href], [src]").evaluate_all("each => each.map(node => node.href ?? node.src)")
        assert [each for each in addresses if not re.match(r"https?://|mailto:", each)] == [], text
        assert "taken" not in page.title(), text


def test_what_is_pressed_reaches_the_app(app: Any, open_page: Any, samples: Any) -> None:
    page = open_page(where="C00GENERAL")
    ts = app.post("C00GENERAL", blocks=samples["messages"]["actions"])
    message = page.locator(f'.log [data-ts="{ts}"]')

    def chosen(action: str) -> Any:
        payload = app.wait("block_actions", lambda each: each["actions"][0]["action_id"] == action)
        assert payload["user"]["id"] == "U000000ADA"
        return payload["actions"][0]

    message.get_by_role("button", name="Approve").click()
    assert chosen("approve")["value"] == "31"
    message.get_by_role("button", name="Reject").click()
    page.get_by_role("dialog", name="Reject approval 31?").get_by_role("button", name="Keep it").click()
    message.get_by_role("button", name="Reject").click()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    assert chosen("reject")["value"] == "31"
    message.get_by_role("button", name="Model").click()
    page.get_by_role("option", name="small").click()
    assert chosen("model")["selected_option"]["value"] == "small"
    message.get_by_role("button", name="More", exact=False).click()
    page.get_by_role("menuitem", name="Show its log").click()
    assert chosen("more")["selected_option"]["value"] == "log"
    message.get_by_role("button", name="Reviewer").click()
    page.keyboard.type("Gra")
    page.keyboard.press("Enter")
    assert chosen("who")["selected_user"] == "U0000GRACE"
    message.get_by_role("radio", name="Full").check()
    assert chosen("way")["selected_option"]["value"] == "full"
    message.get_by_role("checkbox", name="Smoke run first").check()
    assert [each["value"] for each in chosen("checks")["selected_options"]] == ["smoke"]
    message.locator("input[type=date]").fill("2026-09-30")
    assert chosen("due")["selected_date"] == "2026-09-30"


def test_a_vote_stays_pressed(app: Any, open_page: Any, samples: Any) -> None:
    page = open_page(where="C00GENERAL")
    ts = app.post("C00GENERAL", blocks=samples["messages"]["context_actions"])
    good = page.locator(f'.log [data-ts="{ts}"]').get_by_role("button", name="Good answer")
    good.click()
    assert app.wait("block_actions")["actions"][0]["value"] == "good"
    assert good.get_attribute("aria-pressed") == "true"


CORPUS = [
    "a *b **c** d* e",
    "***both***",
    "**bold*nested*",
    "snake_case_name and _em_",
    "2 * 3 * 4",
    "`` a ` b ``",
    "a\\*b\\*",
    "# one\n\ntwo\nthree\n====\n",
    "- a\n\n  b\n- c\n",
    "1. a\n   - b\n     - c\n2. d",
    "> a\nb\n\nc",
    "```\n# no\n```\nafter",
    "    code\n\n    more",
    "a  \nb\\\nc",
    '[a](https://b.example "c") [d]\n\n[d]: https://e.example',
    "<https://a.example>",
    "a | b\n--|--\n1 | 2\n\nend",
    "* * *\n- - -\n",
    "+ x\n+ y\n* z",
    "~~gone~~ ~~one~~",
    "&copy; &#65; &amp;lt;",
    "- [ ] x",
    "text\n- list\ntext",
    "10) ten\n11) eleven",
]


def test_markdown_is_read_as_commonmark_reads_it(open_page: Any, workspace: Any) -> None:
    """The tree of elements is the one that markdown-it-py builds, for text where the two agree on extensions."""
    markdown_it = pytest.importorskip("markdown_it")
    reader = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    page = open_page()
    source = """async (text) => {
      const { markdown } = await import("/markdown.js");
      const names = { person: (id) => id, channel: (id) => id, viewer: "" };
      const node = document.createElement("div");
      node.append(...markdown(text, names));
      const inside = [...node.querySelectorAll("*")].filter((each) => !each.matches(".table-frame, .task"));
      return inside.map((each) => each.matches(".heading") ? "h" : each.localName);
    }"""
    wrong = {}
    for text in CORPUS:
        html = reader.render(text)
        expected = [re.sub(r"^h[1-6]$", "h", tag) for tag in re.findall(r"<([a-z][a-z0-9]*)", html)]
        found = page.evaluate(source, text)
        if found != expected:
            wrong[text] = {"page": found, "commonmark": expected}
    assert wrong == {}, json.dumps(wrong, indent=1)
