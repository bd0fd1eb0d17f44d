"""How long we wait for a registry: timeouts, how often to try again, how long in between."""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that may be gone at the next attempt"""


@dataclass(frozen=True)
class Patience:
    """All times are seconds. `attempts` counts the first one; waits double and are spread by a quarter."""

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    document_timeout: float = 120.0
    """for one whole manifest, config or token, however slowly it trickles"""

    def pause(self, failures: int, retry_after: str | None = None) -> None:
        """Wait after the `failures`th failure (from 1), or as long as Retry-After (RFC 9110, 10.2.3) says."""
        asked = _seconds(retry_after)
        if asked is None:
            asked = self.first_wait * 2 ** (failures - 1) * random.uniform(0.75, 1.25)
        time.sleep(min(asked, self.longest_wait))


PATIENCE = Patience()


def _seconds(retry_after: str | None) -> float | None:
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        when = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
