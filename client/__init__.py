"""The reference client of the live stream `lb.v1`: `live` keeps boards equal to the server's. See client/README.md."""

from client.live import Stream, live
from client.retrying import Backoff, Stopped
from client.state import Around, Board, Me, Rank, Row, Top, Window

__all__ = ["Around", "Backoff", "Board", "Me", "Rank", "Row", "Stopped", "Stream", "Top", "Window", "live"]
