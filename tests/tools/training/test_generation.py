import pytest
import torch

from tools.contract import Candidate, Dataset
from tools.data.formats import rows_of
from tools.training import generation, models


@pytest.fixture(scope="module")
def loaded(taught: Candidate) -> tuple[object, object]:
    return models.load_causal(taught)


def test_answers_come_in_order_and_do_not_depend_on_the_batch(loaded: tuple[object, object], lesson: Dataset) -> None:
    rows = rows_of(lesson.splits["test"])
    prompts = [generation.user(row["prompt"]) for row in rows]
    together = [a.text for a in generation.answer(*loaded, prompts, 8)]
    one_by_one = [generation.answer(*loaded, [prompt], 8)[0].text for prompt in prompts]
    assert together == one_by_one == [row["completion"] for row in rows]


def test_it_agrees_with_the_library(loaded: tuple[object, object]) -> None:
    model, tokenizer = loaded
    prompts = ["Colour of the door?", "Anything else at all, say?"]
    ours = [a.text for a in generation.answer(model, tokenizer, [generation.user(p) for p in prompts], 6)]
    for prompt, answer in zip(prompts, ours, strict=True):
        ids = torch.tensor([generation.encode(tokenizer, generation.user(prompt))])
        theirs = model.generate(ids, max_new_tokens=6, do_sample=False, attention_mask=torch.ones_like(ids))
        assert tokenizer.decode(theirs[0, ids.shape[1] :], skip_special_tokens=True).strip() == answer


def test_the_loss_of_an_answer_is_the_sum_over_its_tokens(loaded: tuple[object, object]) -> None:
    model, tokenizer = loaded
    pairs = [
        (generation.user("Colour of the door?"), "red"),
        (generation.user("Colour of the window in the hall?"), "green"),
    ]
    found = generation.reference_losses(model, tokenizer, pairs)
    for (conversation, wanted), (loss, count) in zip(pairs, found, strict=True):
        prompt = generation.encode(tokenizer, conversation)
        answer = [*tokenizer(wanted, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        ids = torch.tensor([[*prompt, *answer]])
        labels = torch.tensor([[*[-100] * len(prompt), *answer]])
        with torch.inference_mode():
            expected = float(model(input_ids=ids, labels=labels).loss) * len(answer)
        assert count == len(answer)
        assert loss == pytest.approx(expected, rel=1e-3, abs=1e-4)
