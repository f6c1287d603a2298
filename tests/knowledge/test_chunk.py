from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.chunk import TARGET_TOKENS, first_heading, passages, sentences
from knowledge.words import count_tokens

GUIDES = sorted((Path(__file__).parents[2] / "knowledge" / "guides").glob("*.md"))

DOCUMENT = """# Plans

What teams can buy.

## Atlas

The plan costs 31 euros, e.g. for a seat. It has a
refund window of **17 days**.

- first item
- second item with [a link](https://example.org)

| office | opens |
|---|---|
| Ghent | 08:15 |

```
code = 1
```
"""


def test_headings_are_kept_and_each_name_stands_once() -> None:
    assert [p.heading for p in passages(DOCUMENT, "Plans")] == ["Plans", "Plans › Atlas"]
    assert first_heading(DOCUMENT) == "Plans"


def test_sentences_read_without_markup_and_rows_name_their_columns() -> None:
    read = [s.text for s in passages(DOCUMENT)[1].sentences]
    assert read == [
        "The plan costs 31 euros, e.g. for a seat.",
        "It has a refund window of 17 days.",
        "first item",
        "second item with a link",
        "office: Ghent; opens: 08:15",
        "``` code = 1 ```".replace("`", "").strip(),
    ]


@pytest.mark.parametrize("path", GUIDES, ids=lambda p: p.stem)
def test_offsets_quote_exactly(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for passage in passages(text):
        assert text[passage.start : passage.end] == passage.text
        assert passage.sentences[0].start == passage.start
        assert passage.sentences[-1].end == passage.end
        assert count_tokens(passage.text) <= 1.2 * TARGET_TOKENS


def test_long_text_without_any_mark_is_cut_between_words() -> None:
    text = "word " * 1000
    made = passages(text)
    assert len(made) == 5
    assert all(count_tokens(p.text) <= TARGET_TOKENS for p in made)
    assert "".join(p.text for p in made).replace(" ", "") == text.replace(" ", "")


def test_a_chinese_character_counts_as_a_token() -> None:
    text = "退款窗口是十七天。" * 60
    assert count_tokens(text) == 9 * 60
    assert len(passages(text)) >= 3


def test_abbreviations_do_not_end_a_sentence() -> None:
    assert [s.text for s in sentences("See Hu et al. 2021 for it. Then J. Smith wrote. 好的。再见！")] == [
        "See Hu et al. 2021 for it.",
        "Then J. Smith wrote.",
        "好的。",
        "再见！",
    ]


@given(st.text(alphabet=st.sampled_from("ab.!? \n#|-*`1。中文\t>"), max_size=300))
def test_any_text_is_cut_into_true_quotations_in_order(text: str) -> None:
    position = 0
    for passage in passages(text):
        assert text[passage.start : passage.end] == passage.text
        for sentence in passage.sentences:
            assert position <= sentence.start < sentence.end
            position = sentence.end


def test_nothing_in_nothing_out() -> None:
    assert passages("") == []
    assert passages("# Only a heading\n\n---\n") == [] or passages("# Only a heading\n\n---\n")[0].text
