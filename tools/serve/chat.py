"""The part of OpenAI's chat completions that a small model can honour.

https://platform.openai.com/docs/api-reference/chat; what cannot be done (tools, images, several choices) is refused.
"""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tools.contract import Candidate
from tools.serve.web import Refused, application, parse
from tools.training.streaming import ChatModel, Piece, Sampling

_NEW_TOKENS = 256  # where a request does not say


class Part(BaseModel):
    type: Literal["text"]
    text: str


class Turn(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]

    def message(self) -> dict[str, str]:
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    """Fields that are not listed are ignored, as other servers do; those that would change the answer are refused."""

    model_config = ConfigDict(allow_inf_nan=False)

    messages: list[Turn] = Field(min_length=1, max_length=1000)
    model: str | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    n: Literal[1] | None = None
    stop: str | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=8)] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None

    def sampling(self, room: int | None) -> Sampling:
        """Greedy where nothing is said. `room`: tokens the model can still take; None where that is not known."""
        most = _NEW_TOKENS if room is None else max(1, min(_NEW_TOKENS, room))
        wanted = self.max_completion_tokens or self.max_tokens or most
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Sampling(
            max_new_tokens=wanted,
            temperature=self.temperature or 0.0,
            top_p=self.top_p or 1.0,
            stop=tuple(filter(None, stop)),
            seed=self.seed,
        )


def chat_application(model: ChatModel, candidate: Candidate) -> Starlette:
    """GET /health, GET /v1/models, POST /v1/chat/completions."""
    began = int(time.time())

    async def models(request: Request) -> Response:
        own = {"id": candidate.name, "object": "model", "created": began, "owned_by": "odyssey"}
        return JSONResponse({"object": "list", "data": [{**own, "digest": candidate.digest}]})

    async def complete(request: Request) -> Response:
        asked = await parse(request, ChatRequest)
        if asked.model not in (None, candidate.name, candidate.path):
            raise Refused(404, f"{asked.model} is not served here; {candidate.name} is.", "model_not_found")
        ids, sampling = await run_in_threadpool(_prepare, model, asked)
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": candidate.name}
        if asked.stream:
            usage = asked.stream_options is not None and asked.stream_options.include_usage
            events = _events(head, len(ids), model.stream(ids, sampling), usage)
            return StreamingResponse(events, media_type="text/event-stream")
        pieces = await run_in_threadpool(lambda: list(model.stream(ids, sampling)))
        return JSONResponse(_whole(head, len(ids), pieces))

    return application(
        [
            Route("/v1/models", models),
            Route("/v1/chat/completions", complete, methods=["POST"]),
        ]
    )


def _prepare(model: ChatModel, asked: ChatRequest) -> tuple[list[int], Sampling]:
    """Token ids and how to answer; refuses what does not fit the model."""
    try:
        ids = model.encode([turn.message() for turn in asked.messages])
    except ValueError as error:
        raise Refused(400, f"The messages cannot be read: {error}.", "invalid_messages") from error
    room = model.context - len(ids) if model.context else None
    sampling = asked.sampling(room)
    if room is not None and sampling.max_new_tokens > room:
        raise Refused(
            400,
            f"The messages have {len(ids)} tokens, and with an answer of {sampling.max_new_tokens} that is more than"
            f" the {model.context} the model reads; shorten one of them.",
            "context_length_exceeded",
        )
    return ids, sampling


def _usage(prompt: int, answer: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _whole(head: dict[str, Any], prompt: int, pieces: list[Piece]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(piece.text for piece in pieces).strip()}
    choice = {"index": 0, "message": message, "finish_reason": pieces[-1].ended, "logprobs": None}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": _usage(prompt, pieces[-1].tokens)}


def _events(head: dict[str, Any], prompt: int, pieces: Iterator[Piece], usage: bool) -> Iterator[str]:
    """Server-sent events of an answer as it comes."""

    def event(choices: list[dict[str, Any]], **more: Any) -> str:
        return f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': choices, **more})}\n\n"

    def choice(delta: dict[str, str], ended: str | None = None) -> list[dict[str, Any]]:
        return [{"index": 0, "delta": delta, "finish_reason": ended}]

    yield event(choice({"role": "assistant", "content": ""}))
    tokens = 0
    for piece in pieces:
        tokens = piece.tokens
        if piece.text:
            yield event(choice({"content": piece.text}))
        if piece.ended:
            yield event(choice({}, piece.ended))
    if usage:
        yield event([], usage=_usage(prompt, tokens))
    yield "data: [DONE]\n\n"
