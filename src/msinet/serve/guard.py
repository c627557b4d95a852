"""What every request passes: headers of safety, pages of others, stopping, counting, and errors that nobody foresaw."""

import logging
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from msinet.serve.problems import Problem, answer_to, problem_of
from msinet.serve.security import HEADERS, refusal_of
from msinet.serve.service import Service

requests = logging.getLogger("msinet.serve.requests")
logger = logging.getLogger(__name__)

GONE = 499
"""Code in the counts for clients that left before their answer, as nginx has it."""


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), GONE

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._pass(scope, receive, send_safely)
        except ClientDisconnect:
            pass
        except Exception as error:
            if status != GONE:  # Half of an answer is sent.
                logger.exception("an answer broke off")
                return
            await answer_to(problem_of(error))(scope, receive, send_safely)
        finally:
            self._count(scope, status, time.perf_counter() - started)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = refusal_of(headers.get("host", ""), headers.get("origin", ""), self.service.tokens)
        if refusal is None and self.service.is_stopping:
            refusal = Problem(503, "the service is stopping: try again when it runs", {"Retry-After": "1"})
        if refusal is not None and scope["path"] != "/healthz":
            await answer_to(refusal)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _count(self, scope: dict[str, Any] | Scope, status: int, seconds: float) -> None:
        self.service.metrics.answered(status, seconds)
        if self.service.settings.log_requests:
            # The route, not the address: identities stand in addresses.
            route = getattr(scope.get("route"), "path", "-")
            requests.info("%s %s %d %.1f ms", scope["method"], route, status, 1000 * seconds)
