"""Text of others calls nobody and links nowhere unknown, and otherwise stays what it was."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.slack import sanitize
from agent.slack.sanitize import clean, label, line, markdown, mrkdwn, plain
from tests.agent.slack.blocks.checks import assert_calls_nobody, assert_links_nowhere, assert_visible

INJECTIONS = json.loads((Path(__file__).parent / "injections.json").read_text(encoding="utf-8"))
PIECES = st.sampled_from(
    [
        *("<", ">", "!", "@", "#", "channel", "here", "[", "]", "(", ")", "](", "[1]: ", "`", "```", "\n```\n", "\n"),
        *(
            "https://",
            "http://",
            "//",
            "/",
            "\\",
            ":",
            ".",
            "。",
            "www.",
            "slack://",
            "mailto:",
            "evil.com",
            "arxiv.org",
        ),
        *("http://127.0.0.1:80", "&lt;", "&", "#60;", "*", "_", "|", " ", "a", "é", "很", "😀"),
        *("\u200b", "\u200d", "\x00", "\u202e"),
    ]
)
SOUP = st.lists(PIECES, max_size=30).map("".join)


def test_the_corpus_is_large() -> None:
    assert len(INJECTIONS) >= 100
    assert len({each["kind"] for each in INJECTIONS}) >= 8


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda each: f"{each['kind']}: {each['text']!r}"[:60])
def test_nothing_of_the_corpus_survives(injection: dict[str, str]) -> None:
    text = injection["text"]
    for kind, made in {"markdown": markdown, "mrkdwn": mrkdwn, "plain_text": plain}.items():
        safe = made(text)
        assert_calls_nobody(kind, safe)
        assert_visible(safe)
        if kind == "markdown":
            assert_links_nowhere(safe)
        else:
            assert_links_nowhere(re.sub(r"\]\(|\]:", "] ", safe))  # links of Markdown mean nothing there
    assert_calls_nobody("mrkdwn", label(text, 80))


@settings(max_examples=600, deadline=None)
@given(SOUP)
@example("https://arxiv.org)(https://evil.com")
@example("http://127.0.0.1:80<http://127.0.0.1:80*slack://")
@example("][](evil.com)")
@example("https://\u00e9\u200d\u3002www.")
def test_no_soup_of_markup_survives_and_doing_it_twice_changes_nothing(text: str) -> None:
    for kind, made in {"markdown": markdown, "plain_text": plain}.items():
        safe = made(text)
        assert made(safe) == safe
        assert_calls_nobody(kind, safe)
        assert_visible(safe)
    for match in re.finditer(r"[A-Za-z]{2,}://([^\s/]*)", markdown(text)):  # a scheme has two letters at least
        assert match[1].lower().startswith(("arxiv.org", "www.arxiv.org", "127.0.0.1:80")), text
    assert_calls_nobody("mrkdwn", mrkdwn(text))


@pytest.mark.slow
@settings(max_examples=12_000, deadline=None)
@given(SOUP)
def test_no_soup_survives_at_length(text: str) -> None:
    for kind, made in {"markdown": markdown, "plain_text": plain}.items():
        assert made(made(text)) == made(text)
        assert_calls_nobody(kind, made(text))


@pytest.mark.parametrize(
    "text",
    [
        "exact_match 0.820 [0.800, 0.840] on 400 test items (e32, run j31)",
        "**bold**, _italic_, `code <T> & x`, 1 < 2 > 0 & so on",
        "see train.py, torch.nn.Linear, README.md, v0.1.0, odyssey/tiny, e.g. this",
        "[LoRA](https://arxiv.org/abs/2106.09685) and https://huggingface.co/docs/peft.",
        "```python\nresult: dict[str, int] = f(x)[0](y)\nrun('http://127.0.0.1:8123/generate')\n```",
        "训练完成：精确匹配 0.95，见 https://arxiv.org/abs/2106.09685 。",
        "ana@team", "a 👩‍👩‍👧 family and فارسی‌ها", "| a | b |\n|---|---|\n| 1 | x \\| y |", "C:\\data\\train.jsonl",
    ],
)  # fmt: skip
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert markdown(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("[paper](https://evil.example/x)", "paper (https[:]//evil[.]example/x)"),
        ("![chart](https://arxiv.org/a.png)", "[chart](https://arxiv.org/a.png)"),
        ("<https://arxiv.org/abs/1>", "https://arxiv.org/abs/1"),
        ("https://arxiv.org@evil.example", "https[:]//arxiv[.]org@evil[.]example"),
        ("[https://github.com](https://arxiv.org/x)", "https://github.com (https://arxiv.org/x)"),
        ("mail bob@evil.com", "mail bob@evil[.]com"),
        ("it answers at http://127.0.0.1:8123.", "it answers at `http://127.0.0.1:8123`."),
    ],
)
def test_a_foreign_link_is_shown_as_text(text: str, seen: str) -> None:
    assert markdown(text) == seen


def test_another_list_of_hosts_is_another_rule() -> None:
    text = "[wiki](https://wiki.corp.example/a) https://wiki.corp.example https://arxiv.org/abs/1"
    assert markdown(text, {"wiki.corp.example"}).endswith("https://wiki.corp.example https[:]//arxiv[.]org/abs/1")
    assert markdown(text, {"wiki.corp.example"}).startswith("[wiki](https://wiki.corp.example/a)")


def test_in_slacks_markup_everything_is_literal() -> None:
    assert mrkdwn("a < b & c > d &quot;") == "a &lt; b &amp; c &gt; d &amp;quot;"


def test_a_line_is_one_line_of_a_length() -> None:
    assert line("a\nb\u2028c\x0bd   e", 20) == "a b c d e"
    assert line("word " * 50, 20) == "word word word word…"
    assert line("\x00\u200b \n", 20) == "–"
    assert len(line("<!channel>" * 500, 75)) <= 75


def test_invisible_characters_go_and_scripts_keep_their_joiners() -> None:
    assert clean("a\u200b\u202eb\x07\ufeff\U000e0061") == "ab"
    assert clean("می‌شود 👩‍💻") == "می‌شود 👩‍💻"
    assert clean("a\r\nb\x85c") == "a\nb\nc"


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "[a](" * 5_000, "`" * 20_000, "a." * 20_000, "&lt;" * 9_000, "://" * 9_000]
)
def test_long_rubbish_is_soon_done(text: str) -> None:
    safe = sanitize.markdown(text)
    assert markdown(safe) == safe
