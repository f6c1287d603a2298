"""Whether an endpoint answers, and how fast: asked over HTTP as its users will ask it, one request after the other."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from tools.errors import UserFault

_PATIENCE = 120.0  # seconds for one answer
_TOGETHER = 8  # texts of one request
_ROUNDING = 0.01  # of a confidence: padding changes sums a little, which may decide between two equal labels


@dataclass(frozen=True)
class Answers:
    """What came back. Milliseconds from sending a request to having all of its answer."""

    texts: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    tokens: int = 0  # generated
    first_token: float = 0.0  # milliseconds to the first text of a streamed answer


def ask_chat(url: str, prompts: Sequence[str], model: str, max_new_tokens: int, told: Callable[[int], None]) -> Answers:
    """One streamed answer, then one to every prompt. Raises `UserFault` when an answer does not come as it should."""
    texts, milliseconds, tokens = [], [], 0
    with httpx.Client(base_url=url, timeout=_PATIENCE) as client:
        _alive(client, model)
        body = {"model": model, "max_tokens": max_new_tokens}
        first_token = _streamed(client, {**body, "messages": _messages(prompts[0])})
        for number, prompt in enumerate(prompts):
            told(number)
            began = time.perf_counter()
            found = _post(client, "/v1/chat/completions", {**body, "messages": _messages(prompt)})
            milliseconds.append(1000 * (time.perf_counter() - began))
            texts.append(str(found["choices"][0]["message"]["content"]))
            tokens += int(found["usage"]["completion_tokens"])
    return Answers(texts, [], milliseconds, tokens, first_token)


def ask_classify(url: str, texts: Sequence[str], model: str, told: Callable[[int], None]) -> Answers:
    """Some texts at once, then each alone; both ways have to give the same labels."""
    labels, confidences, milliseconds = [], [], []
    with httpx.Client(base_url=url, timeout=_PATIENCE) as client:
        _alive(client, model)
        together = _post(client, "/v1/classify", {"texts": list(texts[:_TOGETHER])})["results"]
        for number, text in enumerate(texts):
            told(number)
            began = time.perf_counter()
            found = _post(client, "/v1/classify", {"text": text})
            milliseconds.append(1000 * (time.perf_counter() - began))
            labels.append(str(found["label"]))
            confidences.append(float(found["confidence"]))
    for one, other in zip(together, zip(labels, confidences, strict=True), strict=False):
        if one["label"] != other[0] and abs(one["confidence"] - other[1]) > _ROUNDING:
            raise UserFault(f"The smoke test failed: {one['label']} among others is {other[0]} when asked alone.")
    return Answers(labels, confidences, milliseconds)


def ask_tag(url: str, texts: Sequence[str], model: str, told: Callable[[int], None]) -> Answers:
    """Some texts at once, then each alone; both ways have to find the same."""
    found, confidences, milliseconds = [], [], []
    with httpx.Client(base_url=url, timeout=_PATIENCE) as client:
        _alive(client, model)
        together = _post(client, "/v1/tag", {"texts": list(texts[:_TOGETHER])})["results"]
        for number, text in enumerate(texts):
            told(number)
            began = time.perf_counter()
            answer = _post(client, "/v1/tag", {"text": text})
            milliseconds.append(1000 * (time.perf_counter() - began))
            said, sure = _entities(answer)
            found.append(said)
            confidences.append(sure)
    for answer, alone, certain in zip(together, found, confidences, strict=False):
        said, sure = _entities(answer)
        if said != alone and abs(sure - certain) > _ROUNDING:
            raise UserFault(f"The smoke test failed: {said} among others is {alone} when asked alone.")
    return Answers(found, confidences, milliseconds)


def ask_embed(
    url: str, questions: Sequence[str], texts: Sequence[str], model: str, told: Callable[[int], None]
) -> Answers:
    """Some questions at once, then each alone; both ways have to give the same vectors. The answer to a question is
    the nearest of `texts`; without any, what its vector begins with."""
    vectors, known, milliseconds = [], [], []
    with httpx.Client(base_url=url, timeout=_PATIENCE) as client:
        _alive(client, model)
        together = _vectors(client, model, questions[:_TOGETHER])
        for number, question in enumerate(questions):
            told(number)
            began = time.perf_counter()
            vectors += _vectors(client, model, [question])
            milliseconds.append(1000 * (time.perf_counter() - began))
        for start in range(0, len(texts), _TOGETHER):
            known += _vectors(client, model, texts[start : start + _TOGETHER])
    if any(one @ other < 1 - _ROUNDING for one, other in zip(together, vectors, strict=False)):
        raise UserFault("The smoke test failed: a text has another vector among others than alone.")
    if not known:
        return Answers([_beginning(vector) for vector in vectors], [], milliseconds)
    nearest = (np.array(vectors) @ np.array(known).T).argmax(axis=1)
    return Answers([texts[place] for place in nearest], [], milliseconds)


def _vectors(client: httpx.Client, model: str, texts: Sequence[str]) -> list[NDArray[Any]]:
    """Of length one each, so that their product is their cosine."""
    found = _post(client, "/v1/embeddings", {"model": model, "input": list(texts)})
    return [np.array(row["embedding"]) for row in found["data"]]


def _beginning(vector: NDArray[Any]) -> str:
    return f"{len(vector)} numbers: {', '.join(f'{number:.3f}' for number in vector[:3])}, …"


def _entities(answer: dict[str, Any]) -> tuple[str, float]:
    """What was found in one text as people read it, and the least confidence."""
    found = answer["entities"]
    said = "; ".join(f"{entity['kind']}: {entity['text']}" for entity in found) or "none"
    return said, min((float(entity["confidence"]) for entity in found), default=1.0)


def _messages(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def _alive(client: httpx.Client, model: str) -> None:
    if _checked(client.get("/health"))["status"] != "ok":
        raise UserFault("The endpoint says that it is not well; the job's log has more.")
    names = [entry["id"] for entry in _checked(client.get("/v1/models"))["data"]]
    if model not in names:
        raise UserFault(f"The endpoint serves {', '.join(names)} instead of {model}.")


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return _checked(client.post(path, json=body))


def _checked(response: httpx.Response) -> dict[str, Any]:
    if response.status_code != httpx.codes.OK:
        raise UserFault(
            f"The smoke test failed: {response.request.url.path} answered {response.status_code}"
            f" ({' '.join(response.text.split())[:300]})."
        )
    found: dict[str, Any] = response.json()
    return found


def _streamed(client: httpx.Client, body: dict[str, Any]) -> float:
    """Milliseconds to the first text of a streamed answer, which has to end as it should."""
    began, first, last = time.perf_counter(), 0.0, ""
    with client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as response:
        if response.status_code != httpx.codes.OK:
            response.read()
            _checked(response)
        for line in response.iter_lines():
            if not line.startswith("data: "):
                continue
            last = line.removeprefix("data: ")
            if not first and last != "[DONE]" and json.loads(last)["choices"][0]["delta"].get("content"):
                first = 1000 * (time.perf_counter() - began)
    if last != "[DONE]":
        raise UserFault("The smoke test failed: a streamed answer was cut off.")
    return first or 1000 * (time.perf_counter() - began)
