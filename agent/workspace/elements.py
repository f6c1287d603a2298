"""Block Kit's elements, field by field: buttons, menus, pickers, inputs."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from agent.workspace.composition import (
    ActionId,
    Confirm,
    Date,
    Label,
    Option,
    OptionGroup,
    Part,
    Placeholder,
    Plain,
    SlackFile,
    Style,
    Time,
    Url,
    Value,
    wrong,
)


class Image(Part):
    type: Literal["image"]
    alt_text: Annotated[str, Field(min_length=1, max_length=2000)]
    image_url: Url | None = None
    slack_file: SlackFile | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.image_url is None) == (self.slack_file is None):
            raise wrong("exactly one of image_url and slack_file is required")
        return self


class Interactive(Part):
    action_id: ActionId | None = None
    confirm: Confirm | None = None
    focus_on_load: bool | None = None


class Button(Interactive):
    type: Literal["button"]
    text: Label
    value: Value | None = None
    url: Url | None = None
    style: Style | None = None
    accessibility_label: Annotated[str, Field(max_length=75)] | None = None
    agent_prompt: Annotated[str, Field(max_length=4000)] | None = None
    agent_prompt_display: str | None = None
    visible_to_user_ids: list[str] | None = None


class IconButton(Interactive):
    type: Literal["icon_button"]
    icon: Literal["trash"]  # the only icon there is so far
    text: Plain
    value: Value | None = None
    accessibility_label: Annotated[str, Field(max_length=75)] | None = None
    visible_to_user_ids: list[str] | None = None


class FeedbackButton(Part):
    text: Label
    value: Value
    accessibility_label: Annotated[str, Field(max_length=75)] | None = None


class FeedbackButtons(Interactive):
    type: Literal["feedback_buttons"]
    positive_button: FeedbackButton
    negative_button: FeedbackButton


class Overflow(Interactive):
    type: Literal["overflow"]
    options: Annotated[list[Option], Field(min_length=1, max_length=5)]


class Checkboxes(Interactive):
    type: Literal["checkboxes"]
    options: Annotated[list[Option], Field(min_length=1, max_length=10)]
    initial_options: list[Option] | None = None


class RadioButtons(Interactive):
    type: Literal["radio_buttons"]
    options: Annotated[list[Option], Field(min_length=1, max_length=10)]
    initial_option: Option | None = None


class Picker(Interactive):
    placeholder: Placeholder | None = None


class DatePicker(Picker):
    type: Literal["datepicker"]
    initial_date: Date | None = None


class TimePicker(Picker):
    type: Literal["timepicker"]
    initial_time: Time | None = None
    timezone: str | None = None


class DatetimePicker(Interactive):
    type: Literal["datetimepicker"]
    initial_date_time: Annotated[int, Field(ge=0, le=9_999_999_999)] | None = None


class Menu(Picker):
    """A select of options given here: exactly one of options and option_groups."""

    options: Annotated[list[Option], Field(min_length=1, max_length=100)] | None = None
    option_groups: Annotated[list[OptionGroup], Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.options is None) == (self.option_groups is None):
            raise wrong("exactly one of options and option_groups is required")
        return self


class StaticSelect(Menu):
    type: Literal["static_select"]
    initial_option: Option | None = None


class MultiStaticSelect(Menu):
    type: Literal["multi_static_select"]
    initial_options: list[Option] | None = None
    max_selected_items: Annotated[int, Field(ge=1)] | None = None


class ExternalSelect(Picker):
    type: Literal["external_select"]
    initial_option: Option | None = None
    min_query_length: Annotated[int, Field(ge=0)] | None = None


class MultiExternalSelect(Picker):
    type: Literal["multi_external_select"]
    initial_options: list[Option] | None = None
    min_query_length: Annotated[int, Field(ge=0)] | None = None
    max_selected_items: Annotated[int, Field(ge=1)] | None = None


class UsersSelect(Picker):
    type: Literal["users_select"]
    initial_user: str | None = None


class MultiUsersSelect(Picker):
    type: Literal["multi_users_select"]
    initial_users: list[str] | None = None
    max_selected_items: Annotated[int, Field(ge=1)] | None = None


class ConversationsSelect(Picker):
    type: Literal["conversations_select"]
    initial_conversation: str | None = None
    default_to_current_conversation: bool | None = None
    response_url_enabled: bool | None = None
    filter: dict[str, Any] | None = None


class MultiConversationsSelect(Picker):
    type: Literal["multi_conversations_select"]
    initial_conversations: list[str] | None = None
    default_to_current_conversation: bool | None = None
    max_selected_items: Annotated[int, Field(ge=1)] | None = None
    filter: dict[str, Any] | None = None


class ChannelsSelect(Picker):
    type: Literal["channels_select"]
    initial_channel: str | None = None
    response_url_enabled: bool | None = None


class MultiChannelsSelect(Picker):
    type: Literal["multi_channels_select"]
    initial_channels: list[str] | None = None
    max_selected_items: Annotated[int, Field(ge=1)] | None = None


class Dispatch(Part):
    trigger_actions_on: list[Literal["on_enter_pressed", "on_character_entered"]]


class Input(Picker):
    dispatch_action_config: Dispatch | None = None


class PlainInput(Input):
    type: Literal["plain_text_input"]
    initial_value: Annotated[str, Field(max_length=3000)] | None = None
    multiline: bool | None = None
    min_length: Annotated[int, Field(ge=0, le=3000)] | None = None
    max_length: Annotated[int, Field(ge=1, le=3000)] | None = None


class EmailInput(Input):
    type: Literal["email_text_input"]
    initial_value: str | None = None


class UrlInput(Input):
    type: Literal["url_text_input"]
    initial_value: str | None = None


class NumberInput(Input):
    type: Literal["number_input"]
    is_decimal_allowed: bool
    initial_value: str | None = None
    min_value: str | None = None
    max_value: str | None = None


class RichTextInput(Input):
    type: Literal["rich_text_input"]
    initial_value: dict[str, Any] | None = None
    min_lines: int | None = None
    max_lines: int | None = None


class FileInput(Interactive):
    type: Literal["file_input"]
    filetypes: list[str] | None = None
    max_files: Annotated[int, Field(ge=1, le=10)] | None = None


Select = (
    StaticSelect
    | ExternalSelect
    | UsersSelect
    | ConversationsSelect
    | ChannelsSelect
    | MultiStaticSelect
    | MultiExternalSelect
    | MultiUsersSelect
    | MultiConversationsSelect
    | MultiChannelsSelect
)
Chooser = Select | Checkboxes | RadioButtons | DatePicker | TimePicker | DatetimePicker
Writer = PlainInput | EmailInput | UrlInput | NumberInput | RichTextInput | FileInput
