"""Who may ask: tokens, what a browser may do with the answers, and where the service may listen."""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from msinet.errors import SettingsError
from msinet.serve.problems import CLOSE, Problem
from msinet.serve.settings import ServeSettings, is_loopback

Access = Literal["write", "read", "open"]
"""Class of a request's token: may change the gallery, may not, or there are no tokens."""

SHORTEST = 16
"""Least number of characters of a token, against guessing."""

POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:"),
        *("connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"),
    )
)

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
"""Headers of every answer."""


@dataclass(frozen=True)
class Tokens:
    """Words that a request shows to be let in; empty ones let nobody in.

    Raises:
        SettingsError: one is short, or both are the same.
    """

    write: str = ""
    """Token that may read and write."""
    read: str = ""
    """Token that may read alone."""

    def __post_init__(self) -> None:
        for name, token in (("MSINET_TOKEN", self.write), ("MSINET_READ_TOKEN", self.read)):
            if token and (len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token):
                raise SettingsError(
                    f"{name} has to have {SHORTEST} characters or more, none of them a space: "
                    'make one by python -c "import secrets; print(secrets.token_urlsafe())"'
                )
        if self.write and self.write == self.read:
            raise SettingsError("MSINET_TOKEN and MSINET_READ_TOKEN are the same: make another one for those who only read")

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Tokens":
        """Return the tokens of MSINET_TOKEN and MSINET_READ_TOKEN."""
        return cls(environment.get("MSINET_TOKEN", ""), environment.get("MSINET_READ_TOKEN", ""))

    @property
    def are_set(self) -> bool:
        """Whether there is one."""
        return bool(self.write or self.read)

    def access_of(self, shown: str) -> Access | None:
        """Return what a token lets do, None where it is none of ours. The time that it takes says nothing about them."""
        given = shown.encode()
        may_write, may_read = (hmac.compare_digest(given, own.encode()) and bool(own) for own in (self.write, self.read))
        return "write" if may_write else "read" if may_read else None


def require_safe(settings: ServeSettings, tokens: Tokens) -> None:
    """Raise a SettingsError where others than this machine could reach the service without a token."""
    if not settings.is_loopback and not tokens.write:
        raise SettingsError(
            f"host is {settings.host}, which other machines reach: set MSINET_TOKEN to a token first, or leave host out",
            "host",
        )


_bearer = HTTPBearer(auto_error=False, description="MSINET_TOKEN reads and writes, MSINET_READ_TOKEN only reads.")
Shown = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


async def may_read(request: Request, shown: Shown) -> Access:
    """Return what a request may do.

    Raises:
        Problem: there are tokens, and it shows none of them.
    """
    tokens: Tokens = request.app.state.service.tokens
    if not tokens.are_set:
        return "open"
    access = tokens.access_of(shown.credentials) if shown else None
    if access is None:
        words = "this token is not known" if shown else "a token is needed"
        raise Problem(401, f"{words}: send the header Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer", **CLOSE})
    return access


async def may_write(request: Request, shown: Shown) -> Access:
    """Return what a request may do.

    Raises:
        Problem: it shows no token, or one that only reads.
    """
    access = await may_read(request, shown)
    require_write(access)
    return access


def require_write(access: Access) -> None:
    """Raise a Problem where a token only reads."""
    if access == "read":
        raise Problem(403, "this token may only read: use the one of MSINET_TOKEN", CLOSE)


Reads = Annotated[Access, Security(may_read)]
Writes = Annotated[Access, Security(may_write)]


def refusal_of(host: str, origin: str, tokens: Tokens) -> Problem | None:
    """Return why a request is refused that a page of somebody else's made, None where it is not.

    Args:
        host: header of the request. Without tokens it has to name this machine, or a page could send requests to a name of
            its own that leads here (DNS rebinding).
        origin: header of requests that pages make.
        tokens: of the service.
    """
    if not tokens.are_set and not is_loopback(_without_port(host)):
        return Problem(403, "without a token the service answers to localhost alone: set MSINET_TOKEN", CLOSE)
    if origin and origin.partition("://")[2] != host:
        return Problem(403, "pages of other addresses may not ask: open the page of the service itself", CLOSE)
    return None


def _without_port(host: str) -> str:
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
