"""An endpoint that gives texts their labels."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tools.contract import Candidate
from tools.serve.web import application, listed, parse

Predict = Callable[[list[str]], list[tuple[str, float]]]  # texts to (label, confidence) of each

Text = Annotated[str, Field(min_length=1, max_length=100_000)]


class ClassifyRequest(BaseModel):
    """One text or several, and the confidence below which a person is to decide."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    text: Text | None = None
    texts: Annotated[list[Text], Field(min_length=1, max_length=256)] | None = None
    threshold: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> "ClassifyRequest":
        if (self.text is None) == (self.texts is None):
            raise ValueError('give either "text" or "texts"')
        if any(not text.strip() for text in self.asked):
            raise ValueError("a text has nothing in it but spaces")
        return self

    @property
    def asked(self) -> list[str]:
        return [self.text] if self.text is not None else list(self.texts or ())


def classify_application(predict: Predict, candidate: Candidate, threshold: float | None = None) -> Starlette:
    """GET /health, GET /v1/models, POST /v1/classify."""

    async def classify(request: Request) -> Response:
        asked = await parse(request, ClassifyRequest)
        found = await run_in_threadpool(predict, asked.asked)
        limit = asked.threshold if asked.threshold is not None else threshold
        answers = _answers(found, limit)
        if asked.text is not None:
            return JSONResponse({"model": candidate.name, **answers[0]})
        return JSONResponse({"model": candidate.name, "results": answers})

    return application([listed(candidate), Route("/v1/classify", classify, methods=["POST"])])


def _answers(found: Sequence[tuple[str, float]], threshold: float | None) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = [{"label": label, "confidence": round(sure, 4)} for label, sure in found]
    if threshold is not None:
        for answer, (_, sure) in zip(answers, found, strict=True):
            answer["abstained"] = sure < threshold
    return answers
