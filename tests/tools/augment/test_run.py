import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tools import digest
from tools.augment.run import run
from tools.augment.spec import AugmentParameters
from tools.contract import Candidate, DataKind, Dataset, File, Inputs
from tools.errors import Transient, UserFault

Make = Callable[..., Any]
QUESTIONS = [{"question": f"What is the code of {c}?", "answer": f"{c}{c}{i}"} for i, c in enumerate("abcdef")]


class Reader(BaseHTTPRequestHandler):
    """Answers with what stands in the notes of a prompt, and makes something up without notes."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"][-1]["content"]
        said = asked.split("Notes:")[1] if "Notes:" in asked else "It is zz9."
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Reader)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def job(tool_job: Make, taught: Candidate, registered_as: Callable[..., Dataset], tmp_path: Path) -> Make:
    """A job with the questions and what was retrieved for them."""
    facts = registered_as(tmp_path / "facts", DataKind.FACTS, {"test": QUESTIONS})

    def make(endpoint: str | None, passages: list[dict[str, Any]] | None) -> Any:
        context = tool_job()
        files = {}
        if passages is not None:
            path = tmp_path / "passages.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in passages))
            files["passages"] = File(path=str(path), digest=digest.of_file(path))
        inputs = Inputs(models={"model": taught}, data={"data": facts}, files=files, endpoint=endpoint)
        context.spec = context.spec.model_copy(update={"inputs": inputs})
        return context

    return make


def retrieved(found: int = len(QUESTIONS)) -> list[dict[str, Any]]:
    """Passages for the first questions; a wrong one for the others."""
    rows = []
    for index, row in enumerate(QUESTIONS):
        text = f"# Page\n\nThe code of {row['question'][-2]} is {row['answer']}." if index < found else "Nothing here."
        rows.append({**row, "passages": [{"source": "page.md", "text": text}]})
    return rows


def test_the_effect_of_retrieval_is_measured_on_the_same_questions(job: Make, endpoint: str, taught: Candidate) -> None:
    context = job(endpoint, retrieved(found=5))
    result = run(AugmentParameters(data="facts"), context)
    assert result.metric("right_facts").value == pytest.approx(5 / 6)
    assert result.metric("right_facts_without").value == 0.0
    assert result.metric("retrieved_facts").value == pytest.approx(5 / 6)
    effect = result.comparisons[0]
    assert (effect.kind, effect.metric, effect.n) == ("difference", "right_facts", 6)
    assert effect.baseline_digest == taught.digest
    assert effect.low > 0
    assert result.facts["samples"][0]["right"] is True
    assert {a.kind for a in result.artefacts} == {"predictions", "plot"}
    assert len((context.folder / "predictions.jsonl").read_text().splitlines()) == 6


def test_what_is_missing_is_said(job: Make, endpoint: str) -> None:
    with pytest.raises(UserFault, match="No passages were retrieved"):
        run(AugmentParameters(data="facts"), job(endpoint, None))
    with pytest.raises(UserFault, match="add the documents first"):
        run(AugmentParameters(data="facts"), job(endpoint, [{**row, "passages": []} for row in QUESTIONS]))
    with pytest.raises(UserFault, match="No endpoint is running"):
        run(AugmentParameters(data="facts"), job(None, retrieved()))


def test_a_silent_endpoint_is_worth_a_retry(job: Make) -> None:
    with pytest.raises(Transient, match="does not answer"):
        run(AugmentParameters(data="facts"), job("http://127.0.0.1:9", retrieved()))


def test_questions_whose_text_is_uncertain_are_left_to_people(
    tool_job: Make, untrained: Candidate, registered_as: Callable[..., Dataset], tmp_path: Path
) -> None:
    rows = [{"prompt": f"Colour of the {thing} {n}?", "completion": f"{thing} {n}"} for n in range(12) for thing in
            ("roof", "door", "boat")]  # fmt: skip
    data = registered_as(tmp_path / "faq", DataKind.TASK, {"dev": rows, "test": rows})
    context = tool_job({"model": untrained}, {"data": data})
    result = run(AugmentParameters(data="faq", coverage=0.5), context)
    policy = json.loads((context.folder / "policy.json").read_text(encoding="utf-8"))
    assert (policy["model_digest"], policy["threshold"]) == (untrained.digest, result.facts["threshold"])
    assert result.metric("recall@1_kept").n == 18 < result.metric("recall@1").n == 36
    (comparison,) = result.comparisons
    assert comparison.metric == "recall@1"
    assert "rows and leaving the rest to people: recall@1 " in result.summary


def test_texts_whose_words_are_uncertain_are_left_to_people(tool_job: Make, namer: Candidate, names: Dataset) -> None:
    context = tool_job({"model": namer}, {"data": names})
    result = run(AugmentParameters(kind="abstain", data="names", coverage=0.5), context)
    policy = json.loads((context.folder / "policy.json").read_text(encoding="utf-8"))
    assert (policy["model_digest"], policy["threshold"]) == (namer.digest, result.facts["threshold"])
    assert result.metric("exact_match_kept").n < result.metric("exact_match").n == 48
    (comparison,) = result.comparisons
    assert comparison.metric == "exact_match"
    assert "rows and leaving the rest to people: exact match " in result.summary
