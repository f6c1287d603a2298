"""An endpoint that finds the entities of texts."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tools.contract import Candidate
from tools.evaluate.tagging import entities
from tools.serve.classify import Text
from tools.serve.web import application, listed, parse

# A word: a Chinese character, what stands between spaces without the marks around it, or one such mark.
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
_INNER = rf"[^\W{_CHINESE}]"
_WORD = re.compile(rf"[{_CHINESE}]|{_INNER}(?:[^\s{_CHINESE}]*{_INNER})?|[^\w\s]|_+")


class Tags(Protocol):
    """A tag and its probability for each word."""

    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def confidences(self) -> tuple[float, ...]: ...


Tag = Callable[[Sequence[Sequence[str]]], Sequence[Tags]]  # rows of words to the tags of each


class TagRequest(BaseModel):
    """One text or several, or the words of one."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = None
    texts: Annotated[list[Text], Field(min_length=1, max_length=256)] | None = None
    tokens: Annotated[list[Text], Field(min_length=1, max_length=10_000)] | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> "TagRequest":
        if sum(given is not None for given in (self.text, self.texts, self.tokens)) != 1:
            raise ValueError('give one of "text", "texts" and "tokens"')
        if any(not text.strip() for text in (self.text or "-", *(self.texts or ()), *(self.tokens or ()))):
            raise ValueError("a text has nothing in it but spaces")
        return self


def words(text: str) -> list[tuple[str, int, int]]:
    """Words of a text with their first character and the one after their last; marks stand alone."""
    return [(found[0], found.start(), found.end()) for found in _WORD.finditer(text)]


def tag_application(tag: Tag, candidate: Candidate) -> Starlette:
    """GET /health, GET /v1/models, POST /v1/tag."""

    async def find(request: Request) -> Response:
        asked = await parse(request, TagRequest)
        if asked.tokens is not None:
            (found,) = await run_in_threadpool(tag, [asked.tokens])
            spans = [(word, place, place + 1) for place, word in enumerate(asked.tokens)]
            told = _entities(spans, found)
            return JSONResponse({"model": candidate.name, "entities": told, "tags": list(found.tags)})
        texts = [asked.text] if asked.text is not None else list(asked.texts or ())
        split = [words(text) for text in texts]
        rows = await run_in_threadpool(tag, [[word for word, *_ in row] for row in split])
        answers = [{"entities": _in_text(*row)} for row in zip(texts, split, rows, strict=True)]
        if asked.text is not None:
            return JSONResponse({"model": candidate.name, **answers[0]})
        return JSONResponse({"model": candidate.name, "results": answers})

    return application([listed(candidate), Route("/v1/tag", find, methods=["POST"])])


def _in_text(text: str, split: Sequence[tuple[str, int, int]], found: Tags) -> list[dict[str, Any]]:
    """Entities with the letters they have in the text, spaces and all."""
    return [{**entity, "text": text[entity["start"] : entity["end"]]} for entity in _entities(split, found)]


def _entities(spans: Sequence[tuple[str, int, int]], found: Tags) -> list[dict[str, Any]]:
    """What is found, from `start` to before `end`, with the probability of its least certain word."""
    return [
        {
            "kind": kind,
            "text": " ".join(word for word, *_ in spans[begin:end]),
            "start": spans[begin][1],
            "end": spans[end - 1][2],
            "confidence": round(min(found.confidences[begin:end]), 4),
        }
        for kind, begin, end in entities(found.tags)
    ]
