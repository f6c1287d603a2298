"""What may go wrong between the workspace and the app: nothing, unless a test wants it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Abort = Callable[[tuple[str, int]], None]  # ends the connection that came from this address, without a word


@dataclass(frozen=True)
class Trouble:
    """What becomes of one API call: an error in its place, or its answer lost after the effect."""

    status: int = 429
    retry_after: int = 1
    lost_after_effect: bool = False  # the effect happens; the connection is closed without an answer
    delay_s: float = 0.0


class Weather(Protocol):
    """What a server asks at each delivery and each call."""

    def copies(self) -> int:
        """How often one attempt is sent: 1, or 2 for a duplicate."""
        ...

    def delay(self) -> float:
        """Seconds that an attempt waits, so that others overtake it."""
        ...

    def loses_ack(self) -> bool: ...

    def trouble(self, method: str) -> Trouble | None:
        """For this call of an API method."""
        ...

    def record(self, method: str, arguments: dict[str, object], status: int, error: str | None) -> None:
        """A call was answered."""
        ...


class FairWeather:
    """Nothing goes wrong and nobody takes notes."""

    def copies(self) -> int:
        return 1

    def delay(self) -> float:
        return 0.0

    def loses_ack(self) -> bool:
        return False

    def trouble(self, method: str) -> Trouble | None:
        return None

    def record(self, method: str, arguments: dict[str, object], status: int, error: str | None) -> None:
        return
