"""Slack's numbers, all in one place; tests shorten the times and leave the sizes alone."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """Times in seconds, sizes in characters unless said otherwise."""

    tier_1: int = 1  # calls a minute and a method, docs.slack.dev/apis/web-api/rate-limits
    tier_2: int = 20
    tier_3: int = 50
    tier_4: int = 100
    post_per_second: float = 1.0  # chat.postMessage in one channel …
    post_burst: int = 5  # … with short bursts above it
    post_per_minute: int = 300  # in the whole workspace: "several hundred messages per minute"
    ack_s: float = 3.0
    retry_delays_s: tuple[float, ...] = (0.0, 60.0, 300.0)  # redeliveries of an event: at once, 1 min, 5 min
    trigger_life_s: float = 3.0
    stream_life_s: float = 300.0
    status_life_s: float = 120.0  # assistant.threads.setStatus drops by itself
    response_url_uses: int = 5
    response_url_life_s: float = 1800.0
    ticket_life_s: float = 30.0  # of the websocket address that apps.connections.open gives
    connections: int = 10  # Socket Mode
    refresh_after_s: float = 3600.0  # a connection is asked to refresh …
    refresh_warning_s: float = 10.0  # … this long after a warning
    pending_events: int = 10_000  # kept while no connection is open
    upload_bytes: int = 100 * 2**20
    body_bytes: int = 4 * 2**20  # of one API call
    text: int = 40_000  # a message's plain text is cut there
    message: int = 13_200  # all text of a message's blocks, else msg_blocks_too_long
    stream_text: int = 12_000  # markdown_text of one call to a stream

    def faster(self, factor: float) -> "Limits":
        """Every rate `factor` times as high, the waits between retries as much shorter; lives and the ack stay."""
        return replace(
            self,
            tier_1=round(self.tier_1 * factor),
            tier_2=round(self.tier_2 * factor),
            tier_3=round(self.tier_3 * factor),
            tier_4=round(self.tier_4 * factor),
            post_per_second=self.post_per_second * factor,
            post_burst=round(self.post_burst * factor),
            post_per_minute=round(self.post_per_minute * factor),
            retry_delays_s=tuple(delay / factor for delay in self.retry_delays_s),
        )


SLACK = Limits()
