"""What goes over the socket. Pure."""

import orjson

EVENT = "leaderboard_update"

CLOSE_BAD_REQUEST = 4000
"""The client sent something that this protocol has no place for: do not reconnect with the same code."""
CLOSE_SLOW = 4108
"""The client did not take what it was sent: reconnect with back-off."""
CLOSE_RATE = 4129
"""The client sends too much: reconnect with back-off."""


def update(user_id: str, new_rank: int | None, old_rank: int | None) -> str:
    """A rank event; ranks are None for a player who is not ranked, or not known to this socket yet."""
    return orjson.dumps({"event": EVENT, "user_id": user_id, "new_rank": new_rank, "old_rank": old_rank}).decode()
