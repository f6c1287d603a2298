"""How people write the fields of a charter."""

import pytest
from walk import Walk, dataset

from agent.graph.charter import parse
from tools.contract import DataKind


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
        ("metric", "the F1 of entities", "entity_f1"),
        ("metric", "实体 F1", "entity_f1"),
        ("metric", "seqeval", "entity_f1"),
        ("metric", "f1", "token_f1"),
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


def test_an_f1_is_one_of_entities_where_only_tagged_data_can_decide() -> None:
    walk = Walk()
    walk.begin()
    walk.register(dataset("names", DataKind.TAGGED, {"train": 9, "test": 9}))
    assert parse("metric", "F1", walk.project) == "entity_f1"
    assert parse("metric", "token_f1", walk.project) == "token_f1"
    walk.register(dataset("tickets", DataKind.TASK, {"train": 9, "test": 9}))
    assert parse("metric", "F1", walk.project) == "token_f1"
