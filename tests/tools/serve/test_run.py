import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.tools.conftest import LESSON, ToolJob
from tools.contract import Candidate, DataKind, Dataset, Inputs, JobContext, ModelKind, Result
from tools.errors import Cancelled, UserFault
from tools.jobs.ports import free_port
from tools.quantize.run import run as quantize
from tools.quantize.spec import QuantizeParameters
from tools.serve.run import run
from tools.serve.spec import ServeParameters

Make = Callable[..., Any]


@pytest.fixture
def seen() -> list[Result]:
    """Results a service told of; it is stopped right after the first."""
    return []


@pytest.fixture
def stop_when_ready(seen: list[Result]) -> Callable[[Any, Result], None]:
    def ready(job: Any, result: Result) -> None:
        assert httpx.get(f"{result.endpoint}/health").json() == {"status": "ok"}
        seen.append(result)
        job.stop = True

    return ready


def test_it_answers_when_it_says_so_and_ends_when_cancelled(
    tool_job: Make, taught: Candidate, lesson: Dataset, seen: list[Result], stop_when_ready: Any
) -> None:
    port = free_port()
    params = ServeParameters(data="colours", port=port, requests=15, max_new_tokens=8)
    last = run(params, tool_job({"model": taught}, {"data": lesson}, ready=stop_when_ready))
    (result,) = seen
    assert result.endpoint == f"http://127.0.0.1:{port}"
    assert result.metric("latency_p50").value <= result.metric("latency_p95").value
    assert (result.metric("latency_p95").unit, result.metric("latency_p95").n) == ("ms", 15)
    assert result.metric("peak_memory").unit == "bytes"
    assert result.metric("peak_memory").value > taught.bytes
    assert result.metric("throughput").value > 0
    assert result.facts["smoke"] == "15 of 15 requests answered and one as a stream"
    assert result.facts["samples"][1] == {"prompt": "Colour of the roof?", "answer": "blue", "expected": "blue"}  # type: ignore[index]
    assert last.endpoint is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health")


def test_without_data_it_asks_built_in_prompts(
    tool_job: Make, taught: Candidate, seen: list[Result], stop_when_ready: Any
) -> None:
    run(ServeParameters(requests=2, max_new_tokens=4), tool_job({"model": taught}, ready=stop_when_ready))
    assert seen[0].facts["smoke"] == "2 of 2 requests answered and one as a stream"


def test_a_busy_port(tool_job: Make, taught: Candidate) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserFault, match=rf"Port {port} cannot be used .*; choose another one"):
            run(ServeParameters(port=port), tool_job({"model": taught}))


def test_it_can_be_cancelled_during_the_smoke_test(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    context = tool_job({"model": taught}, {"data": lesson}, cancel_when=lambda event: event.step == "smoke test")
    with pytest.raises(Cancelled):
        run(ServeParameters(data="colours"), context)


def test_what_has_no_answers_is_not_served(tool_job: Make, taught: Candidate) -> None:
    with pytest.raises(UserFault, match="nothing to answer with"):
        run(ServeParameters(), tool_job({"model": taught.model_copy(update={"kind": ModelKind.REWARD})}))


def test_an_encoder_has_no_labels_to_answer_with(tool_job: Make, untrained: Candidate, questions: Dataset) -> None:
    with pytest.raises(UserFault, match="the answers of questions are labels; finetune it on questions first"):
        run(ServeParameters(data="questions"), tool_job({"model": untrained}, {"data": questions}))


def test_a_prompt_that_does_not_fit_fails_the_smoke_test(
    tool_job: Make, taught: Candidate, registered_as: Callable[..., Dataset], tmp_path: Path
) -> None:
    data = registered_as(tmp_path / "long", DataKind.TASK, {"dev": [{"prompt": "word " * 300, "completion": "x"}]})
    with pytest.raises(UserFault, match=r"smoke test failed: /v1/chat/completions answered 400 .*the 128 the model"):
        run(ServeParameters(data="long"), tool_job({"model": taught}, {"data": data}))


def test_data_without_development_rows(
    tool_job: Make, taught: Candidate, registered_as: Callable[..., Dataset], tmp_path: Path
) -> None:
    data = registered_as(tmp_path / "facts", DataKind.FACTS, {"test": [{"question": "a", "answer": "b"}]})
    context: JobContext = tool_job({"model": taught}, {"data": data})
    with pytest.raises(UserFault, match="facts has no dev split"):
        run(ServeParameters(data="facts"), context)


def test_a_classifier_is_served(tool_job: Make, sorter: Candidate, questions: Dataset, seen: list[Result]) -> None:
    found: list[dict[str, Any]] = []

    def ready(job: Any, result: Result) -> None:
        seen.append(result)
        found.append(httpx.post(f"{result.endpoint}/v1/classify", json={"text": "how long is the boat"}).json())
        job.stop = True

    params = ServeParameters(data="questions", requests=6, threshold=1.0)
    run(params, tool_job({"model": sorter}, {"data": questions}, ready=ready))
    assert found[0]["label"] in ("colour", "size")
    assert found[0]["abstained"] is True
    assert seen[0].facts["smoke"] == "6 of 6 requests answered"
    assert seen[0].metric("latency_p95").n == 6
    samples = seen[0].facts["samples"]
    assert [sample["expected"] for sample in samples][:2] == ["colour", "size"]  # type: ignore[index,union-attr]


def test_a_tagger_is_served(tool_job: Make, namer: Candidate, names: Dataset, seen: list[Result]) -> None:
    found: list[dict[str, Any]] = []

    def ready(job: Any, result: Result) -> None:
        seen.append(result)
        found.append(httpx.post(f"{result.endpoint}/v1/tag", json={"text": "Ada has lost the boat"}).json())
        job.stop = True

    run(ServeParameters(data="names", requests=6), tool_job({"model": namer}, {"data": names}, ready=ready))
    assert found[0]["model"] == "namer"
    assert {entity["kind"] for entity in found[0]["entities"]} <= {"WHO", "THING"}
    assert seen[0].facts["smoke"] == "6 of 6 requests answered"
    assert seen[0].facts["paths"] == ["/health", "/v1/models", "/v1/tag"]
    assert seen[0].facts["samples"][0]["expected"] == "WHO: Ada; THING: door"  # type: ignore[index,call-overload]


@pytest.mark.parametrize("stored", ["whole", "int8"])
def test_an_encoder_is_served(
    tool_job: Make, untrained: Candidate, lesson: Dataset, seen: list[Result], stored: str, tmp_path: Path
) -> None:
    found: list[dict[str, Any]] = []

    def ready(job: Any, result: Result) -> None:
        seen.append(result)
        found.append(httpx.post(f"{result.endpoint}/v1/embeddings", json={"input": ["a door", "a roof"]}).json())
        job.stop = True

    model = untrained
    if stored == "int8":
        model = quantize(
            QuantizeParameters(name="small"), ToolJob(tmp_path / "q", Inputs(models={"model": model}))
        ).candidate
    run(ServeParameters(data="colours", requests=6), tool_job({"model": model}, {"data": lesson}, ready=ready))
    first, second = (np.array(row["embedding"]) for row in found[0]["data"])
    assert first.shape == second.shape == (32,)
    assert first @ first == pytest.approx(1.0, abs=1e-4)
    assert found[0]["usage"]["total_tokens"] == 8
    assert seen[0].facts["smoke"] == "6 of 6 requests answered"
    assert seen[0].facts["paths"] == ["/health", "/v1/models", "/v1/embeddings"]
    assert (seen[0].metric("latency_p95").unit, seen[0].metric("latency_p95").n) == ("ms", 6)
    samples = seen[0].facts["samples"]
    assert {sample["answer"] for sample in samples} <= {row["completion"] for row in LESSON}  # type: ignore[index,union-attr,call-overload]


def test_without_texts_to_find_a_sample_shows_how_a_vector_begins(
    tool_job: Make, untrained: Candidate, seen: list[Result], stop_when_ready: Any
) -> None:
    run(ServeParameters(requests=2), tool_job({"model": untrained}, ready=stop_when_ready))
    assert str(seen[0].facts["samples"][0]["answer"]).startswith("32 numbers: ")  # type: ignore[index,call-overload]
