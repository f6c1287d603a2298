from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from knowledge.errors import WriterFailed
from knowledge.knowledge import Knowledge
from knowledge.model import GUIDE_SCOPES, Hit


def test_quotes_are_exact_and_the_best_sentence_lies_inside(guides: Knowledge) -> None:
    answer = guides.answer("How can reward hacking be prevented?")
    assert not answer.abstained
    assert answer.citations
    assert "KL penalty" in answer.answer
    for number, citation in enumerate(answer.citations, 1):
        text = guides.text(citation.scope, citation.source)
        assert text[citation.start : citation.end] == citation.quote
        assert citation.start <= citation.best_start < citation.best_end <= citation.end
        assert f"[{number}]" in answer.answer


def test_a_section_that_is_asked_for_by_its_heading_is_quoted_from_its_start(guides: Knowledge) -> None:
    answer = guides.answer("What are the six stages?")
    assert answer.answer.startswith("- Define the scope: ")
    assert "\n- Infrastructure integration: " in answer.answer


def test_of_a_comparison_both_sides_are_told(guides: Knowledge) -> None:
    answer = guides.answer("How does GRPO differ from DPO?")
    assert [c.heading.rpartition(" › ")[2] for c in answer.citations] == ["GRPO", "DPO"]
    chinese = guides.answer("GRPO 和 DPO 有什么区别？")
    assert [c.heading.rpartition(" › ")[2] for c in chinese.citations] == ["GRPO", "DPO"]
    either = guides.answer("RAG or fine-tuning?")
    assert not either.abstained
    assert [c.source for c in either.citations] == ["retrieval.md", "fine-tuning.md"]
    first = guides.answer("LoRA or full fine-tuning?").citations[0]
    assert first.heading.endswith("LoRA or full fine-tuning"), "what answers the comparison itself comes first"


def test_what_has_no_section_of_its_own_is_not_compared(guides: Knowledge) -> None:
    assert guides.answer("Llama 3 vs Llama 4?").abstained
    assert len(guides.answer("LoRA vs the Eiffel tower?").citations) < 2


def test_one_row_that_stands_out_is_quoted_alone(knowledge: Knowledge, write: Callable[[str, str], Path]) -> None:
    rows = "\n".join(f"{name},{2200 + n}" for n, name in enumerate(("Oskar Vainio", "Mirjam Koster", "Joao Pires")))
    knowledge.ingest("p1", write("people.csv", f"name,extension\n{rows}\n"))
    answer = knowledge.answer("What is the extension of Mirjam Koster?", "p1")
    assert answer.answer == "name: Mirjam Koster; extension: 2201. [1]"
    assert [c.quote for c in answer.citations] == ["- name: Mirjam Koster; extension: 2201"]


def test_table_rows_read_with_their_columns(guides: Knowledge) -> None:
    answer = guides.answer("Which method should I use for single votes, thumbs up or down?")
    assert "|" not in answer.answer
    assert "KTO" in answer.answer


def test_unknown_things_are_not_answered_and_it_says_what_was_searched(guides: Knowledge) -> None:
    answer = guides.answer("Who won the football world cup in 1998?")
    assert answer.abstained
    assert answer.citations == ()
    count = len(guides.ensure_guides())
    assert answer.answer.startswith(f"I don't know: I searched {count} guides (")
    assert answer.searched[0].startswith(f"{count} guides (")


def test_chinese_is_answered_from_the_chinese_guides(guides: Knowledge) -> None:
    answer = guides.answer("什么是奖励作弊？")
    assert answer.language == "zh"
    assert answer.citations[0].scope == "guides/zh"
    assert "奖励作弊（reward hacking" in answer.answer
    refused = guides.answer("怎么做红烧肉？")
    assert refused.abstained
    assert refused.answer.startswith("我不知道：")


@pytest.mark.parametrize("question", ["DPO 和 PPO 有什么区别", "奖励黑客是什么"])
def test_a_guide_in_english_gives_way_to_the_same_guide_in_chinese(guides: Knowledge, question: str) -> None:
    answer = guides.answer(question)
    assert {cited.scope for cited in answer.citations[:1]} == {GUIDE_SCOPES["zh"]}


def test_a_chinese_question_about_an_english_document_is_answered_around_the_quote(
    guides: Knowledge, write: Callable[[str, str], Path]
) -> None:
    guides.ingest("cross", write("plan.md", "# Meridian plan\n\nThe Meridian plan's refund window is 17 days.\n"))
    answer = guides.answer("Meridian套餐的退款窗口是多少天？", "cross")
    assert answer.language == "zh"
    assert answer.answer.startswith("资料是英文的")
    assert "17 days" in answer.answer


def test_an_english_question_about_a_chinese_document_is_answered(
    guides: Knowledge, write: Callable[[str, str], Path]
) -> None:
    guides.ingest("crossed", write("travel.md", "# 差旅\n\n发票要在出差结束后18天内提交。\n"))
    answer = guides.answer("Within how many days must invoices be submitted after a business trip?", "crossed")
    assert answer.language == "en"
    assert "18天内提交" in answer.answer


class Saying:
    """A writer that says what it is told to say."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.read: Sequence[Hit] = ()

    def write(self, question: str, passages: Sequence[Hit]) -> str:
        self.read = passages
        return self.text


def test_a_written_answer_keeps_what_holds_and_drops_the_rest(guides: Knowledge) -> None:
    writer = Saying(
        "LoRA keeps the weight matrix frozen and learns a correction of low rank [1]. "
        "It was invented in 2035 by Ada Miller. At rank 8 a layer of 4,096 by 4,096 needs 65,536 weights."
    )
    answer = guides.answer("What is LoRA?", writer=writer)
    assert "2035" not in answer.answer
    assert "65,536" in answer.answer
    assert answer.answer.count("[1]") >= 1
    assert all(c.quote for c in answer.citations)
    assert len(writer.read) == 5


@pytest.mark.parametrize("text", ["", "I really cannot say anything about the moons of 1987.", "[1] [2]"])
def test_a_writer_of_whom_nothing_holds_is_replaced_by_quotes(guides: Knowledge, text: str) -> None:
    assert guides.answer("What is LoRA?", writer=Saying(text)) == guides.answer("What is LoRA?")


class Failing:
    def write(self, question: str, passages: Sequence[Hit]) -> str:
        raise WriterFailed("The model did not answer within 30 seconds.")


def test_a_writer_that_fails_is_replaced_by_quotes(guides: Knowledge) -> None:
    assert guides.answer("What is LoRA?", writer=Failing()) == guides.answer("What is LoRA?")


def test_a_writer_is_not_asked_where_nothing_was_found(guides: Knowledge) -> None:
    writer = Saying("Brazil.")
    assert guides.answer("Who won the football world cup in 1998?", writer=writer).abstained
    assert writer.read == ()
