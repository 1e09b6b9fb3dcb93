"""How much may come in: a token bucket. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """So many a second, and so many at once."""

    rate: float
    burst: float
    tokens: float
    at: float = 0.0
    """When `tokens` was counted, seconds."""

    def take(self, now: float, amount: float = 1) -> bool:
        """So many more at a time; whether they are within the limit."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < amount:
            return False
        self.tokens -= amount
        return True
