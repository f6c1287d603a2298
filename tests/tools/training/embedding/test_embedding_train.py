from pathlib import Path

import pytest
import torch

from tools.contract import Candidate, Dataset
from tools.training.classify_train import Recipe, trainable
from tools.training.embedding_rows import read_pairs
from tools.training.embedding_train import Answers, Embedder, PairTrainer, contrast
from tools.training.encoder import load_encoder

RECIPE = Recipe(steps=4, batch=16, lr=1e-3, rank=4, alpha=8.0, seed=7, save_every=100, method="full")


def test_the_loss_is_that_of_choosing_the_own_text() -> None:
    questions, texts = torch.eye(3), torch.eye(3)
    apart = [Answers(own, frozenset({own})) for own in range(3)]
    one = torch.log(1 + 2 * torch.exp(torch.tensor(-20.0)))  # cosine 1 against two of 0, times 20
    assert float(contrast(questions, texts, apart)) == pytest.approx(3 * float(one), rel=1e-3)
    turned = texts[[1, 2, 0]]
    assert float(contrast(questions, turned, apart)) == pytest.approx(60.0, rel=1e-3)


def test_a_text_that_answers_too_is_no_negative() -> None:
    questions = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1], [0.1, 1.0]]), dim=-1)
    same = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert float(contrast(questions, same, [Answers(5, frozenset({5}))] * 2)) == 0.0
    known = [Answers(0, frozenset({0, 1})), Answers(1, frozenset({1}))]
    alone = torch.nn.functional.cross_entropy(20 * questions[1:] @ torch.eye(2).T, torch.tensor([1]))
    assert float(contrast(questions, torch.eye(2), known)) == pytest.approx(float(alone))


def test_a_batch_in_parts_has_the_gradients_of_the_whole(
    tmp_path: Path, tool_job, blank: Candidate, pairs: Dataset
) -> None:
    found = []
    for at_once in (10_000, 40):
        embedder = trainable(Embedder(load_encoder(blank)), RECIPE)
        trainer = PairTrainer(tool_job(), embedder, RECIPE, read_pairs(pairs, "train"), "x", at_once)
        loss = trainer._backward(list(range(16)))
        grads = {n: p.grad.clone() for n, p in embedder.encoder.model.named_parameters() if p.grad is not None}
        found.append((loss, grads))
    (whole, wanted), (loss, grads) = found
    assert loss == pytest.approx(whole, rel=1e-5)
    assert grads.keys() == wanted.keys()
    assert all(torch.allclose(grads[name], wanted[name], atol=1e-5) for name in wanted)
    assert max(float(grad.abs().max()) for grad in wanted.values()) > 1e-3
