from collections.abc import Iterator

import httpx
import pytest

from tools.contract import Candidate
from tools.serve.chat import chat_application
from tools.serve.web import answering
from tools.training import models
from tools.training.streaming import ChatModel


@pytest.fixture(scope="session")
def chat_url(taught: Candidate) -> Iterator[str]:
    with answering(chat_application(ChatModel(*models.load_causal(taught)), taught), 0) as url:
        yield url


@pytest.fixture
def client(chat_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=chat_url, timeout=60) as client:
        yield client
