"""Ask the local Airflow over its public REST API, as its user.

Says nothing of what it means; an answer that is no success is an error with what was said.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

ANSWER_SECONDS = 30


class RefusedError(Exception):
    """The API answered with an error.

    Attributes:
        status: HTTP status code.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:1000]}")
        self.status = status


class Rest:
    """A session of one user; logs in again when its token is too old."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url, self._login, self._token = url, {"username": user, "password": password}, ""

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer of `/api/v2<path>`; None when it has no content.

        Raises:
            RefusedError: The answer is no success.
            OSError: There is no answer.
        """
        try:
            return self._ask(method, f"/api/v2{path}", body)
        except RefusedError as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
        self._token = self._ask("POST", "/auth/token", self._login)["access_token"]
        return self._ask(method, f"/api/v2{path}", body)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310  # http, to ourselves
            f"{self._url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"}
            | ({"Authorization": f"Bearer {self._token}"} if self._token else {}),
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_SECONDS) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise RefusedError(error.code, error.read().decode(errors="replace")) from error
        return json.loads(content) if content else None
