"""How people write the fields of a charter."""

import pytest

from agent.graph.charter import parse


@pytest.mark.parametrize(
    ("name", "said", "meant"),
    [
        ("metric", "recall@1", "recall@1"),
        ("metric", "recall at five: recall@5", "recall@5"),
        ("metric", "how often it is recalled first", "recall@1"),
        ("metric", "MRR", "mrr"),
        ("metric", "ndcg", "ndcg@10"),
        ("metric", "ROUGE", "rougeL"),
        ("metric", "rouge-2", "rouge2"),
        ("metric", "exact match", "exact_match"),
        ("metric", "召回率", "recall@1"),
        ("metric", "beauty", None),
        ("task", "retrieval", "retrieval"),
        ("task", "semantic search over our FAQ", "retrieval"),
        ("task", "find the right passage for a question", "retrieval"),
        ("task", "检索", "retrieval"),
        ("task", "answer questions", "generation"),
        ("task", "summaries of tickets", "summarisation"),
    ],
)
def test_a_field_is_read_as_people_write_it(name: str, said: str, meant: str | None) -> None:
    assert parse(name, said) == meant
