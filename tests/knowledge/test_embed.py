from pathlib import Path

import numpy as np
import pytest

from knowledge.embed import OnnxEmbedder, Remembered, packaged_model
from knowledge.errors import Unavailable


def test_vectors_have_unit_length_and_know_what_is_alike(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed(["How do I get a refund?", "I want my money back.", "The warehouse ships by rail."])
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_a_batch_gives_what_each_text_gives_alone(embedder: OnnxEmbedder) -> None:
    texts = ["short", "a sentence of middling length about adapters", "long " * 400, "", "量化"]
    together = embedder.embed(texts)
    assert np.allclose(together, np.vstack([embedder.embed([text]) for text in texts]), atol=1e-4)


def test_no_text_gives_no_vector(embedder: OnnxEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


@pytest.mark.slow
def test_the_graph_computes_what_torch_computes(embedder: OnnxEmbedder) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    texts = ["What is LoRA?", "A much longer sentence about low-rank adaptation. " * 8, "短句子"]
    folder = str(packaged_model())
    batch = transformers.AutoTokenizer.from_pretrained(folder)(
        texts, padding=True, truncation=True, max_length=256, return_tensors="pt"
    )
    with torch.no_grad():
        hidden = transformers.AutoModel.from_pretrained(folder)(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1).numpy()
    assert ((expected * embedder.embed(texts)).sum(1) > 0.99999).all()


def test_a_graph_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(tmp_path)
    embedder.graph.write_bytes(b"not a graph")
    with pytest.raises(Unavailable, match="delete that file"):
        embedder.embed(["text"])


class Counting:
    """An embedder that counts what it is asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts):
        self.asked += texts
        return np.array([[len(text), 1.0] for text in texts], np.float32)


def test_remembered_vectors_are_not_computed_again(tmp_path: Path) -> None:
    first = Remembered(Counting(), tmp_path / "kept.npz")
    vectors = first.embed(["one", "three"])
    first.save()
    counting = Counting()
    second = Remembered(counting, tmp_path / "kept.npz")
    assert np.array_equal(second.embed(["three", "one"]), vectors[::-1])
    assert counting.asked == []
    second.embed(["one", "new"])
    assert counting.asked == ["new"]


def test_a_spoilt_memory_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    file.write_bytes(b"PK\x03\x04 spoilt")
    remembered = Remembered(Counting(), file)
    remembered.embed(["one"])
    remembered.save()
    counting = Counting()
    Remembered(counting, file).embed(["one"])
    assert counting.asked == []
