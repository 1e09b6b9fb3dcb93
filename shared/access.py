"""Why a server does not let us in, and which setting to look at."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass


class NoAccess(ConnectionError):
    """A server is not reached, or does not let us in. The message names the setting to look at, and no secret."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where it is said how to reach a server."""

    address: str
    authority: str
    """Whose certificates are trusted."""
    tls: str
    login: str
    denials: tuple[type[BaseException], ...]
    """What its client raises where the server does not take the login."""

    def explain(self, error: BaseException) -> str:
        """What went wrong, and what to look at."""
        reason = str(error) or type(error).__name__
        return f"{reason}: look at {self._setting(list(_causes(error)))}"

    def _setting(self, causes: list[BaseException]) -> str:
        if any(isinstance(cause, self.denials) for cause in causes):
            return self.login
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return f"{self.authority}, and whether the certificate names the host in {self.address}"
        if any(isinstance(cause, FileNotFoundError) for cause in causes):
            return self.authority
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return self.tls
        if any(isinstance(cause, ConnectionRefusedError | socket.gaierror) for cause in causes):
            return self.address
        return f"{self.address}, and {self.tls}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
