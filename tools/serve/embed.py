"""The part of OpenAI's embeddings that an encoder can honour.

https://platform.openai.com/docs/api-reference/embeddings; what cannot be done (tokens as input, fewer dimensions) is
refused. A text is read up to the encoder's context, as it was in training.
"""

import base64
import struct
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tools.contract import Candidate
from tools.serve.classify import Text
from tools.serve.web import Refused, application, listed, parse

Embed = Callable[[list[str]], tuple[list[list[float]], int]]  # texts to a vector of each, and the tokens read


class EmbeddingsRequest(BaseModel):
    """Fields that are not listed are ignored, as other servers do; those that would change the answer are refused."""

    input: Annotated[list[Text], Field(min_length=1, max_length=256)]
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None

    @field_validator("input", mode="before")
    @classmethod
    def _texts(cls, given: Any) -> Any:
        """One text or several."""
        texts = given if isinstance(given, list) else [given]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("give a text or a list of texts; tokens are not read")
        if any(not text.strip() for text in texts):
            raise ValueError("a text has nothing in it but spaces")
        return texts


def embed_application(embed: Embed, candidate: Candidate) -> Starlette:
    """GET /health, GET /v1/models, POST /v1/embeddings."""

    async def embeddings(request: Request) -> Response:
        asked = await parse(request, EmbeddingsRequest)
        if asked.model not in (None, candidate.name, candidate.path):
            raise Refused(404, f"{asked.model} is not served here; {candidate.name} is.", "model_not_found")
        vectors, tokens = await run_in_threadpool(embed, asked.input)
        width = len(vectors[0])
        if asked.dimensions not in (None, width):
            said = f"{candidate.name} gives {width} numbers a text, no other count; leave dimensions out."
            raise Refused(400, said, "invalid_dimensions")
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, asked.encoding_format)}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": candidate.name, "usage": usage})

    return application([listed(candidate), Route("/v1/embeddings", embeddings, methods=["POST"])])


def _encoded(vector: list[float], form: str | None) -> list[float] | str:
    """As numbers, or as little-endian 32-bit floats in base64, which OpenAI's own client asks for."""
    if form != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
