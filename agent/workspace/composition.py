"""Block Kit's composition objects: texts, options, confirmations, files.

Sizes are those of docs.slack.dev/reference/block-kit, the same as in slack_sdk's models. Unknown fields are refused,
as Slack refuses them.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """Strict: no unknown field, no conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def wrong(what: str) -> PydanticCustomError:
    """A fault in Slack's own words."""
    return PydanticCustomError("block_kit", "{what}", {"what": what})


class Plain(Part):
    type: Literal["plain_text"]
    text: Annotated[str, Field(min_length=1)]
    emoji: bool | None = None


class Mrkdwn(Part):
    type: Literal["mrkdwn"]
    text: Annotated[str, Field(min_length=1)]
    verbatim: bool | None = None


def length(text: str) -> int:
    """Characters as a browser counts them (UTF-16 units): the stricter way where it is not known how Slack counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def at_most(size: int) -> AfterValidator:
    """A text, or a text object, of no more than so many characters."""

    def check(value: Plain | Mrkdwn | str) -> Plain | Mrkdwn | str:
        if length(value if isinstance(value, str) else value.text) > size:
            raise wrong(f"must be less than {size + 1} characters")
        return value

    return AfterValidator(check)


Words = Annotated[Plain | Mrkdwn, Field(discriminator="type")]
Label = Annotated[Plain, at_most(75)]
Placeholder = Annotated[Plain, at_most(150)]
Url = Annotated[str, Field(min_length=1, max_length=3000)]
ActionId = Annotated[str, Field(min_length=1, max_length=255)]
Value = Annotated[str, Field(max_length=2000)]
Style = Literal["primary", "danger"]
Date = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
Time = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Option(Part):
    text: Annotated[Words, at_most(75)]
    value: Annotated[str, Field(min_length=1, max_length=150)]
    description: Annotated[Words, at_most(75)] | None = None
    url: Url | None = None


class OptionGroup(Part):
    label: Label
    options: Annotated[list[Option], Field(min_length=1, max_length=100)]


class Confirm(Part):
    title: Annotated[Plain, at_most(100)]
    text: Annotated[Words, at_most(300)]
    confirm: Annotated[Plain, at_most(30)]
    deny: Annotated[Plain, at_most(30)]
    style: Style | None = None


class SlackFile(Part):
    id: str | None = None
    url: Url | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.id is None) == (self.url is None):
            raise wrong("exactly one of id and url is required")
        return self
