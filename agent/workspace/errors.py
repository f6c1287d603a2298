"""What the workspace answers in place of a result.

Refused            Slack's `{"ok": false, "error": code}`
└── RateLimited    with HTTP 429 and Retry-After
Unanswered         the app gave no acknowledgement in time
"""


class Refused(Exception):
    """An API call or a person's action that Slack would refuse, by Slack's own error code."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages  # sentences for response_metadata.messages


class RateLimited(Refused):
    """Too many calls; to be tried again after some seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class Unanswered(Exception):
    """The app is not connected, or did not acknowledge within three seconds."""
