"""rich_text blocks: sections, lists, quotes and code made of texts, links and mentions."""

from typing import Annotated, Literal

from pydantic import Field

from agent.workspace.composition import Part, Url


class Style(Part):
    bold: bool | None = None
    italic: bool | None = None
    strike: bool | None = None
    code: bool | None = None
    underline: bool | None = None


class Piece(Part):
    style: Style | None = None


class Text(Piece):
    type: Literal["text"]
    text: Annotated[str, Field(min_length=1)]


class Link(Piece):
    type: Literal["link"]
    url: Url
    text: str | None = None
    unsafe: bool | None = None


class User(Piece):
    type: Literal["user"]
    user_id: str


class Channel(Piece):
    type: Literal["channel"]
    channel_id: str


class Team(Piece):
    type: Literal["team"]
    team_id: str


class UserGroup(Piece):
    type: Literal["usergroup"]
    usergroup_id: str


class Emoji(Piece):
    type: Literal["emoji"]
    name: str
    unicode: str | None = None
    skin_tone: int | None = None


class Broadcast(Piece):
    type: Literal["broadcast"]
    range: Literal["here", "channel", "everyone"]


class Date(Piece):
    type: Literal["date"]
    timestamp: int
    format: str
    url: Url | None = None
    fallback: str | None = None


class Color(Piece):
    type: Literal["color"]
    value: str


Pieces = list[
    Annotated[
        Text | Link | User | Channel | Team | UserGroup | Emoji | Broadcast | Date | Color, Field(discriminator="type")
    ]
]


class Section(Part):
    type: Literal["rich_text_section"]
    elements: Pieces


class Preformatted(Part):
    type: Literal["rich_text_preformatted"]
    elements: Pieces
    border: int | None = None
    language: str | None = None


class Quote(Part):
    type: Literal["rich_text_quote"]
    elements: Pieces
    border: int | None = None


class List(Part):
    type: Literal["rich_text_list"]
    elements: list[Section]
    style: Literal["bullet", "ordered"]
    indent: Annotated[int, Field(ge=0, le=8)] | None = None
    offset: Annotated[int, Field(ge=0)] | None = None
    border: int | None = None


class RichText(Part):
    type: Literal["rich_text"]
    block_id: Annotated[str, Field(max_length=255)] | None = None
    elements: list[Annotated[Section | Preformatted | Quote | List, Field(discriminator="type")]]
