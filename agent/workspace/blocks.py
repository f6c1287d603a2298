"""Block Kit's blocks, type by type, and which of them may stand in a message, a modal, a home tab.

Source: docs.slack.dev/reference/block-kit/blocks with its blocks.json (surfaces), slack_sdk's models (sizes).
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from agent.workspace import elements as kit
from agent.workspace.composition import Mrkdwn, Part, Plain, SlackFile, Url, Words, at_most, wrong
from agent.workspace.rich_text import RichText

Surface = Literal["message", "modal", "home"]
CELL = Annotated[str, Field(min_length=1)]  # an empty cell is refused


class Block(Part):
    block_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None


class Section(Block):
    type: Literal["section"]
    text: Annotated[Words, at_most(3000)] | None = None
    fields: Annotated[list[Annotated[Words, at_most(2000)]], Field(min_length=1, max_length=10)] | None = None
    accessory: Annotated[kit.Button | kit.Image | kit.Overflow | kit.Chooser, Field(discriminator="type")] | None = None
    expand: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.text is None and self.fields is None:
            raise wrong("missing required field: text or fields")
        return self


class Divider(Block):
    type: Literal["divider"]


class Header(Block):
    type: Literal["header"]
    text: Annotated[Plain, at_most(150)]
    level: Annotated[int, Field(ge=1, le=4)] | None = None


class ImageBlock(Block):
    type: Literal["image"]
    alt_text: Annotated[str, Field(min_length=1, max_length=2000)]
    image_url: Url | None = None
    slack_file: SlackFile | None = None
    title: Annotated[Plain, at_most(2000)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.image_url is None) == (self.slack_file is None):
            raise wrong("exactly one of image_url and slack_file is required")
        return self


class Actions(Block):
    type: Literal["actions"]
    elements: Annotated[
        list[
            Annotated[
                kit.Button | kit.Overflow | kit.Chooser | kit.RichTextInput | kit.FeedbackButtons | kit.IconButton,
                Field(discriminator="type"),
            ]
        ],
        Field(min_length=1, max_length=25),
    ]


class Context(Block):
    type: Literal["context"]
    elements: Annotated[
        list[Annotated[kit.Image | Plain | Mrkdwn, Field(discriminator="type")]], Field(min_length=1, max_length=10)
    ]


class ContextActions(Block):
    type: Literal["context_actions"]
    elements: Annotated[
        list[Annotated[kit.FeedbackButtons | kit.IconButton, Field(discriminator="type")]],
        Field(min_length=1, max_length=5),
    ]


class Markdown(Block):
    type: Literal["markdown"]
    text: Annotated[str, Field(min_length=1), at_most(12_000)]


class InputBlock(Block):
    type: Literal["input"]
    label: Annotated[Plain, at_most(2000)]
    element: Annotated[kit.Chooser | kit.Writer, Field(discriminator="type")]
    hint: Annotated[Plain, at_most(2000)] | None = None
    optional: bool | None = None
    dispatch_action: bool | None = None


class Video(Block):
    type: Literal["video"]
    alt_text: str
    title: Annotated[Plain, at_most(199)]
    video_url: Url
    thumbnail_url: Url
    title_url: Url | None = None
    description: Plain | None = None
    provider_name: str | None = None
    provider_icon_url: Url | None = None
    author_name: Annotated[str, Field(max_length=49)] | None = None


class RawText(Part):
    type: Literal["raw_text"]
    text: CELL


class RawNumber(Part):
    type: Literal["raw_number"]
    value: float
    text: CELL | None = None


class Column(Part):
    align: Literal["left", "center", "right"] | None = None
    is_wrapped: bool | None = None


Cell = Annotated[RawText | RawNumber | RichText, Field(discriminator="type")]


class Table(Block):
    type: Literal["table"]
    rows: Annotated[
        list[Annotated[list[Cell], Field(min_length=1, max_length=20)]], Field(min_length=1, max_length=100)
    ]
    column_settings: Annotated[list[Column | None], Field(max_length=20)] | None = None


class Source(Part):
    type: Literal["url"]
    url: Url
    text: str


class TaskCard(Block):
    type: Literal["task_card"]
    task_id: Annotated[str, Field(min_length=1, max_length=255)]
    title: Annotated[str, Field(min_length=1)]
    status: Literal["pending", "in_progress", "complete", "error"] = "pending"
    details: RichText | None = None
    output: RichText | None = None
    sources: list[Source] | None = None


class PlanBlock(Block):
    type: Literal["plan"]
    title: Annotated[str, Field(min_length=1)]
    tasks: Annotated[list[TaskCard], Field(max_length=50)] | None = None


class Alert(Block):
    type: Literal["alert"]
    text: Words
    level: Literal["default", "info", "warning", "error", "success"] | None = None


class Card(Block):
    type: Literal["card"]
    hero_image: kit.Image | None = None
    icon: kit.Image | None = None
    title: Annotated[Words, at_most(150)] | None = None
    subtitle: Annotated[Words, at_most(150)] | None = None
    body: Annotated[Words, at_most(200)] | None = None
    actions: list[kit.Button] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.hero_image is None and self.title is None and self.body is None and not self.actions:
            raise wrong("at least one of hero_image, title, actions or body is required")
        return self


class Carousel(Block):
    type: Literal["carousel"]
    elements: Annotated[list[Card], Field(min_length=1, max_length=10)]


class Container(Block):
    type: Literal["container"]
    child_blocks: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=10)]  # checked as blocks of their own
    title: Annotated[Plain, at_most(150)] | None = None
    rich_text_title: RichText | None = None
    subtitle: Annotated[Words, at_most(150)] | None = None
    width: Literal["narrow", "standard", "wide", "full"] | None = None
    icon: kit.Image | None = None
    is_collapsible: bool | None = None
    default_collapsed: bool | None = None
    has_header_divider: bool | None = None

    @model_validator(mode="after")
    def _titled(self) -> Self:
        if self.title is None and self.rich_text_title is None:
            raise wrong("missing required field: title or rich_text_title")
        if self.is_collapsible and self.has_header_divider:
            raise wrong("has_header_divider cannot be set when is_collapsible is true")
        return self


ANYWHERE = Section | Divider | Header | ImageBlock | Actions | Context | InputBlock | Video | RichText | Card
ONLY_MESSAGES = ContextActions | Markdown | Table | TaskCard | PlanBlock | Container
CHECKS: dict[str, TypeAdapter[list[Any]]] = {
    "message": TypeAdapter(list[Annotated[ANYWHERE | ONLY_MESSAGES | Carousel, Field(discriminator="type")]]),
    "modal": TypeAdapter(list[Annotated[ANYWHERE | Alert, Field(discriminator="type")]]),
    "home": TypeAdapter(list[Annotated[ANYWHERE | Carousel, Field(discriminator="type")]]),
}
