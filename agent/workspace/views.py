"""A view's body, checked as Slack checks it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from agent.workspace.checks import checked_blocks
from agent.workspace.errors import Refused
from agent.workspace.faulty import sentences
from agent.workspace.limits import Limits
from agent.workspace.store import Doc

Kind = Literal["modal", "home"]


class Label(BaseModel):
    """A plain_text object of at most 24 characters."""

    model_config = ConfigDict(extra="forbid", strict=True)
    type: Literal["plain_text"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=24)]
    emoji: bool | None = None


class Home(BaseModel):
    """docs.slack.dev/reference/views/home-tab-views"""

    model_config = ConfigDict(extra="forbid", strict=True)
    type: Literal["home"]
    blocks: list[Any]
    private_metadata: Annotated[str, StringConstraints(max_length=3000)] | None = None
    callback_id: Annotated[str, StringConstraints(max_length=255)] | None = None
    external_id: Annotated[str, StringConstraints(max_length=255)] | None = None


class Modal(Home):
    """docs.slack.dev/reference/views/modal-views"""

    type: Literal["modal"]  # type: ignore[assignment]
    title: Label
    submit: Label | None = None
    close: Label | None = None
    clear_on_close: bool | None = None
    notify_on_close: bool | None = None
    submit_disabled: bool | None = None


def checked_view(view: Doc, limits: Limits, kind: Kind) -> Doc:
    """The view with ids in its blocks. Refused: invalid_arguments with sentences, or what is wrong with its blocks."""
    model = Modal if kind == "modal" else Home
    try:
        checked = model.model_validate(view)
    except ValidationError as fault:
        raise Refused("invalid_arguments", *sentences(fault, "view", view)) from None
    blocks = checked_blocks(checked.blocks, limits, most=100, surface=kind, root="view/blocks")
    if kind == "modal" and view.get("submit") is None and any(each["type"] == "input" for each in blocks):
        raise Refused("invalid_arguments", "[ERROR] a modal with input blocks needs submit [json-pointer:/view/submit]")
    kept = checked.model_dump(exclude_none=True, exclude={"blocks"})
    return kept | {"blocks": blocks}
