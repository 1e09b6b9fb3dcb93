"""The integers that every client, Redis and JSON hold exactly."""

from typing import Annotated

from pydantic import Field

LARGEST = 2**53 - 1

Integer = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]
"""An integer within ±(2^53 - 1): JSON clients and Redis scores (doubles) hold it exactly."""


def holds(value: int) -> bool:
    """Whether a computed value, such as a sum, is still within the exact range."""
    return -LARGEST <= value <= LARGEST
