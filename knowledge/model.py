"""What is known, as values: documents, passages, hits, citations, answers."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

Language = Literal["en", "zh"]

GUIDES = "guides"  # the scope of the bundled guides in English
GUIDES_ZH = "guides/zh"  # and in Chinese
GUIDE_SCOPES: dict[Language, str] = {"en": GUIDES, "zh": GUIDES_ZH}

# Who may see a document: everybody in the workspace, the project's people, or `channel:ID`, the people of one channel.
WORKSPACE_AUDIENCE = "workspace"
PROJECT_AUDIENCE = "project"
CHANNEL_AUDIENCE = "channel:"


def project_scope(project_id: str) -> str:
    """The scope of a project's documents; no project can be named like the guides."""
    return f"project/{project_id}"


def state_scope(project_id: str) -> str:
    """The scope of what is rendered from a project's state."""
    return f"state/{project_id}"


class Frozen(BaseModel):
    """An immutable value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Frozen):
    """A source: a bundled guide, or what a team ingested. `name` is unique within its scope."""

    scope: str
    name: str
    title: str
    digest: str  # of the file's bytes
    characters: int
    passages: int
    language: Language = "en"
    number: int = 1  # counts its versions from 1
    owner: str = ""  # the person who gave it
    audience: str = WORKSPACE_AUDIENCE


class Ingested(Frozen):
    """What became of one file of a batch: the document, or the sentence that says why it was not taken."""

    path: str
    document: Document | None = None
    problem: str = ""


class Audit(Frozen):
    """What the index lacks, has too much, or has otherwise than its sources; nothing of each where all is well."""

    missing: tuple[str, ...] = ()
    orphan: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        return not (self.missing or self.orphan or self.stale)


class Hit(Frozen):
    """A passage that was found. `text` is exactly `start` to `end` of the document's text, in characters."""

    scope: str
    source: str  # the document's name
    title: str
    heading: str  # the headings above it, outermost first, joined by " › "
    text: str
    score: float  # comparable within one search only
    start: int
    end: int
    language: Language = "en"


class Citation(Frozen):
    """A quotation. `quote` is exactly `start` to `end` of the source's text; the best sentence lies inside it."""

    scope: str
    source: str
    title: str
    heading: str
    quote: str
    start: int
    end: int
    best_start: int
    best_end: int


class Answer(Frozen):
    """What can be said to a question. `answer` marks each source as [1], [2], …, in the order of `citations`."""

    answer: str
    language: Language
    abstained: bool
    citations: tuple[Citation, ...] = ()
    searched: tuple[str, ...] = ()  # what was searched, in words
    hidden: int = 0  # documents that speak to it too but that not everybody here may see
    confidence: float = 0.0  # of the gate: how likely it is that the sources answer the question


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, list item or table row: `start` to `end` of the document's text.

    `text` is how it reads aloud: no markup, and a table row with the names of its columns.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document small enough to find and to quote."""

    heading: str
    text: str
    start: int
    end: int
    sentences: tuple[Sentence, ...]

    @property
    def context(self) -> str:
        """What is embedded: the passage below its headings."""
        return f"{self.heading}\n{' '.join(sentence.text for sentence in self.sentences)}"


@dataclass(frozen=True, slots=True)
class Stored:
    """A passage in the catalogue."""

    id: str
    scope: str
    source: str
    title: str
    heading: str
    text: str
    start: int
    end: int
    language: Language = "en"
    audience: str = WORKSPACE_AUDIENCE
    digest: str = ""  # of its document's bytes
