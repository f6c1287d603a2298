"""However long and odd a text is, it arrives whole, in messages that Slack takes."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.slack import sanitize
from agent.slack.blocks.markdown import fallback, render
from agent.slack.model import Rendered
from tests.agent.slack.blocks.checks import assert_harmless, check_message, values

WORD = st.text("abcdefghijklmnopqrstuvwxyzäé很😀0123456789.,", min_size=1, max_size=12)
LINE = st.lists(WORD, max_size=60).map(" ".join)
PARAGRAPH = st.lists(LINE, min_size=1, max_size=8).map("\n".join)
CODE = st.lists(LINE, max_size=60).map(lambda lines: "\n".join(["```python", *lines, "```"]))


def words_of(pages: Iterable[Rendered]) -> list[str]:
    """Every word of the text blocks and tables in order; the heading a table repeats and fences do not count."""
    found, heading = list[str](), list[str]()
    for page in pages:
        for block in page.blocks:
            if block["type"] == "markdown":
                found += [word for word in str(block["text"]).split() if not word.startswith("```")]
            else:
                rows = [[cell_text(cell) for cell in row] for row in block["rows"]]  # type: ignore[union-attr]
                found += [
                    word for row in (rows[1:] if rows[0] == heading else rows) for text in row for word in text.split()
                ]
                heading = rows[0]
    return found


def cell_text(cell: object) -> str:
    return "".join(each["text"] for each in values(cell, "raw_text", "text", "link"))


def plain_words(text: str) -> list[str]:
    return [word for word in text.split() if not word.startswith("```") and not re.fullmatch(r"[|:-]+", word)]


@settings(max_examples=60, deadline=None)
@given(st.lists(PARAGRAPH | CODE, min_size=1, max_size=60).map("\n\n".join))
def test_no_word_is_lost(text: str) -> None:
    pages = render(text)
    for page in pages:
        check_message(page)
    assert words_of(pages) == plain_words(sanitize.markdown(text))


@pytest.mark.parametrize("length", [10_900, 11_001, 12_001, 30_000, 64_000])
@pytest.mark.parametrize("unit", ["word ", "word\n", "paragraph of words\n\n", "很长的一句话，没有空格。", "x", "😀"])
def test_a_text_of_any_length_arrives_whole(length: int, unit: str) -> None:
    text = (unit * (length // len(unit) + 1))[:length]
    pages = render(text)
    for page in pages:
        check_message(page)
    arrived = "".join(str(block["text"]) for page in pages for block in page.blocks)
    assert "".join(arrived.split()) == "".join(text.split())
    assert len(pages) <= length // 4000 + 2


def test_thirty_thousand_characters_of_words_in_one_line() -> None:
    text = " ".join(f"word{number}" for number in range(4000))
    pages = render(text)
    assert words_of(pages) == text.split()
    assert len(pages) == 4


def test_a_block_of_code_cut_across_messages_is_closed_and_opened_again() -> None:
    lines = [f"line {number} of the log" for number in range(1500)]
    pages = render("Before\n\n```python\n" + "\n".join(lines) + "\n```\n\nAfter")
    texts = [str(block["text"]) for page in pages for block in page.blocks]
    assert len(texts) > 2
    for text in texts:
        assert text.count("```") % 2 == 0
    assert all(text.startswith("```python\n") for text in texts[1:])
    assert words_of(pages) == ["Before", *" ".join(lines).split(), "After"]


def test_a_text_is_cut_at_a_paragraph_where_there_is_one() -> None:
    paragraph = "A sentence of a paragraph that goes on for a while. " * 12
    pages = render("\n\n".join([paragraph.strip()] * 40))
    for page in pages:
        assert str(page.blocks[-1]["text"]).endswith("while.")
        assert str(page.blocks[0]["text"]).startswith("A sentence")


# --- tables ------------------------------------------------------------------------------------------------------


def table(rows: int, columns: int = 3, cell: str = "cell") -> str:
    heading = "| " + " | ".join(f"head{number}" for number in range(columns)) + " |"
    body = ["| " + " | ".join(f"{cell}{row}.{number}" for number in range(columns)) + " |" for row in range(rows)]
    return "\n".join([heading, "|" + "---|" * columns, *body])


def test_a_table_is_a_table() -> None:
    (page,) = render("Before\n\n" + table(2) + "\n\nAfter")
    assert [block["type"] for block in page.blocks] == ["markdown", "table", "markdown"]
    check_message(page)


def test_cells_keep_code_bold_and_links() -> None:
    (page,) = render("| a | b |\n|:--|--:|\n| the `code` of **x** | [LoRA](https://arxiv.org/abs/1) \\| y |\n| | z |")
    check_message(page)
    elements = [*values(page.blocks, "text", "link")]
    assert {"type": "text", "text": "code", "style": {"code": True}} in elements
    assert {"type": "link", "url": "https://arxiv.org/abs/1", "text": "LoRA"} in elements
    assert [s["align"] for s in page.blocks[0]["column_settings"]] == ["left", "right"]  # type: ignore[union-attr, index, call-overload]


@pytest.mark.parametrize(("rows", "messages"), [(99, 1), (100, 2), (250, 3)])
def test_a_long_table_goes_on_in_the_next_message(rows: int, messages: int) -> None:
    text = table(rows)
    pages = render(text)
    assert len(pages) == messages
    for page in pages:
        check_message(page)
    assert words_of(pages) == re.sub(r"\|(---\|)*", " ", text).split()


def test_two_tables_are_two_messages_each_with_its_title() -> None:
    pages = render(f"Intro\n\n**One**\n\n{table(2)}\n\n**Two**\n\n{table(3)}\n\nEnd")
    assert [[block["type"] for block in page.blocks] for page in pages] == [
        ["markdown", "table"],
        ["markdown", "table", "markdown"],
    ]
    assert pages[1].blocks[0]["text"] == "**Two**"


@pytest.mark.parametrize(
    "text", [table(3, columns=21), table(2, cell="long " * 800), table(1, columns=20, cell="x" * 600)]
)
def test_a_table_beyond_every_limit_is_text(text: str) -> None:
    pages = render(text)
    for page in pages:
        check_message(page)
    arrived = "".join(str(block["text"]) for page in pages for block in page.blocks)
    assert "".join(arrived.replace("```", "").split()) == "".join(text.split())


def test_a_table_in_code_is_code() -> None:
    (page,) = render("```\n" + table(2) + "\n```")
    assert [block["type"] for block in page.blocks] == ["markdown"]


def test_ragged_rows_are_filled_up() -> None:
    (page,) = render("|a|b|\n|-|-|\n|1|\n|1|2|3|")
    check_message(page)
    assert "3" in words_of([page])


@settings(max_examples=80, deadline=None)
@given(st.text(st.sampled_from("|-:\n `*[]()<>!@ab\\~#"), max_size=400))
def test_any_rubbish_is_a_message(text: str) -> None:
    for page in render(text):
        check_message(page)
        assert_harmless(page)


# --- the rest ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\u200b"])
def test_nothing_is_still_a_message(text: str) -> None:
    (page,) = render(text)
    check_message(page)


def test_names_stand_for_ids_and_are_made_harmless_too() -> None:
    (page,) = render("U1 asked", names=lambda text: text.replace("U1", "<!channel> [Ana](https://evil.example)"))
    assert_harmless(page)
    assert "Ana" in str(page.blocks[0]["text"])


def test_the_plain_text_for_notifications_has_no_markup() -> None:
    assert fallback("# Head\n\n**bold** `code` <!here> " + "word " * 100).startswith("Head bold code &lt;")
    assert len(fallback("x" * 1000)) == 280
