"""A small encoder that knows nothing, and questions whose words tell which text answers them."""

from collections.abc import Callable

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from tools.contract import Candidate, DataKind, Dataset
from tools.models import known_model, packaged_encoder

NAMES = ("falcon", "heron", "lynx", "otter", "badger", "plover", "stoat", "wren")
ASKED = {
    "price": ("what does the {} cost", "how much money is the {}", "how much does the {} cost", "what money is the {}"),
    "reset": ("restart my {} now", "it hangs, the {}", "my {} hangs now", "restart it, the {}"),
}
CODES = {name: f"unit {number}" for number, name in enumerate(NAMES, 11)}
TEXTS = {"price": "{} is billed at the listed tariff", "reset": "hold the rear key of {} until the lamp blinks"}


def rows() -> list[list[dict[str, str]]]:
    """Four ways of asking: two to learn from, one to look at, one to measure on."""
    return [
        [
            {"prompt": ASKED[topic][way].format(name), "completion": TEXTS[topic].format(CODES[name]), "topic": topic}
            for name in NAMES
            for topic in ASKED
        ]
        for way in range(4)
    ]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory, registered_as: Callable[..., Dataset]) -> Dataset:
    first, second, dev, test = rows()
    folder = tmp_path_factory.mktemp("pairs") / "faq"
    return registered_as(folder, DataKind.TASK, {"train": first + second, "dev": dev, "test": test})


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """An untrained encoder with a real tokenizer and no dropout."""
    folder = tmp_path_factory.mktemp("blank")
    torch.manual_seed(7)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    BertModel(BertConfig(vocab_size=30522, **sizes, **still)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(packaged_encoder().path).save_pretrained(folder)
    return known_model(str(folder))
