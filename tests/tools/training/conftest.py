"""What tests of training encoders share: a job's context, the packaged encoder and a small untrained one."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from tools.contract import Candidate, JobContext, JobEvent, Spec
from tools.models import known_model, packaged_encoder


class Job(JobContext):
    """A job's context whose events are kept, and which is cancelled after a number of them."""

    def __init__(self, folder: Path, cancel_when: Callable[[JobEvent], bool] = lambda event: False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.events: list[JobEvent] = []
        self._stop = False

        def emit(event: JobEvent) -> None:
            self.events.append(event)
            self._stop = self._stop or cancel_when(event)

        super().__init__(
            Spec(job=folder.name, tool="made-up", params={}),
            folder,
            emit,
            lambda: self._stop,
            lambda: datetime.now(UTC),
        )

    @property
    def steps(self) -> list[int]:
        """Training steps that were done, in order."""
        return [event.done for event in self.events if event.step == "training" and "loss" in event.metrics]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def encoder() -> Candidate:
    return packaged_encoder()


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory: pytest.TempPathFactory, encoder: Candidate) -> Candidate:
    """An untrained encoder with a real tokenizer, for what does not depend on knowing any English."""
    folder = tmp_path_factory.mktemp("small")
    torch.manual_seed(7)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=30522, **sizes)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder.path).save_pretrained(folder)
    return known_model(str(folder))


@pytest.fixture(scope="session")
def job() -> type[Job]:
    """A job's context by its folder."""
    return Job
