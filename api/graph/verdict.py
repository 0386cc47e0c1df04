"""The error table: what the worker does about an answer of the Graph API that is no lead. Pure.

| codes                                             | what happens                                                  |
|---------------------------------------------------|---------------------------------------------------------------|
| 1, 2, is_transient, 5xx, no JSON, a timeout       | retry with backoff                                            |
| 4, 17, 32, 341, 613, 80000-80014, HTTP 429        | wait as told, pause the page's, token's or app's calls        |
| 190, 102, 104, a wrong appsecret_proof            | ask the operator (token), pause the page                      |
| 3, 10, 103, 200-299, "Lead Access Manager"        | ask the operator (permission), pause the page                 |
| 100/33, `false`                                   | retry a few times, then bury and ask: missing, or no access   |
| 803                                               | bury                                                          |
| 368                                               | a long wait                                                   |
| anything else                                     | bounded retries, then bury                                    |

Source: developers.facebook.com/docs/graph-api/guides/error-handling and …/overview/rate-limiting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from api.graph.usage import DEFAULT_WAIT_S, clamp, usage

TRANSIENT_DELAY_S = 30.0
MISSING_DELAY_S = 60.0
UNKNOWN_DELAY_S = 300.0
BLOCKED_WAIT_S = 6 * 3_600.0
FEW = 4
"""Attempts at a lead that is missing, or at an error nobody has described, before it is buried."""

MAX_ERROR = 200

_LIMITS = frozenset({4, 17, 32, 341, 613, *range(80_000, 80_015)})
_APP_LIMITS = frozenset({4, 341})
_USER_LIMITS = frozenset({17, 613})
_TOKEN = frozenset({102, 104, 190})
_PERMISSION = frozenset({3, 10, 103, *range(200, 300)})
_LEADING_CODE = re.compile(r"\s*\(#([0-9]{1,9})\)")
_SECRETS = re.compile(
    r"(access_token|appsecret_proof|client_secret)(=|%3D|\"?:\s*\"?)[^&\s\"']+|\bEAA[A-Za-z0-9]{16,}", re.I
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+|\s+")


class Action(StrEnum):
    """What to do with the leads an answer was about."""

    RETRY = "retry"
    WAIT = "wait"
    ASK = "ask"
    BURY = "bury"
    SPLIT = "split"


class Scope(StrEnum):
    """Whom a trouble concerns: the leads asked for, their page, every call of the token's user, or of the app."""

    LEAD = "lead"
    PAGE = "page"
    USER = "user"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no lead, and what to do.

    Attributes:
        action: RETRY burns an attempt; WAIT and ASK burn none; SPLIT: ask for fewer at once, now.
        error: one line, without a token, control characters or personal data.
        delay_s: RETRY: before the second attempt, growing from there. WAIT: how long to pause.
        scope: whom a pause concerns.
        kind: of the pause: "limit", "token" or "permission".
        tries: attempts before the lead is buried; 0: as many as the settings say.
        ask_after: the operator is told when it is buried.
    """

    action: Action
    error: str
    delay_s: float = 0.0
    scope: Scope = Scope.LEAD
    kind: str = ""
    tries: int = 0
    ask_after: bool = False

    @property
    def label(self) -> str:
        """One word for metrics: limit, token, permission, missing, refused, unknown or transient."""
        if self.kind:
            return self.kind
        if self.ask_after:
            return "missing"
        if self.action is Action.BURY:
            return "refused"
        return "unknown" if self.tries else "transient"


@dataclass(frozen=True, slots=True)
class GraphFault:
    """The `error` of an answer, whatever shape it came in. `code` 0: none was given."""

    code: int = 0
    subcode: int = 0
    message: str = ""
    transient: bool = False


def fault(body: Any) -> GraphFault | None:
    """The error a parsed body speaks of, None if it speaks of none."""
    if not isinstance(body, dict) or "error" not in body:
        return None
    error = body["error"]
    if not isinstance(error, dict):
        said = error if isinstance(error, str) else ""
        leading = _LEADING_CODE.match(said)
        return GraphFault(int(leading[1]) if leading else 0, 0, said)
    message = error.get("message")
    return GraphFault(
        _integer(error.get("code")),
        _integer(error.get("error_subcode")),
        message if isinstance(message, str) else "",
        error.get("is_transient") is True,
    )


def trouble(status: int, headers: Mapping[str, str], body: Any) -> Trouble:
    """What to do about an answer that holds no lead.

    Args:
        status: HTTP status.
        headers: of the answer, found whatever their case.
        body: parsed JSON, or None if it was no JSON.
    """
    found = fault(body)
    if found is None:
        return _without_fault(status, headers, body)
    said = f"Graph {status}, code {found.code}{f'/{found.subcode}' if found.subcode else ''}: {found.message}"
    return _of_fault(found, status, headers, safe(said))


def unreadable(reason: str) -> Trouble:
    """No answer, or one that was cut or is not what was asked for."""
    return Trouble(Action.RETRY, safe(f"Graph API: {reason}"), TRANSIENT_DELAY_S)


def too_large(most: int) -> Trouble:
    """An answer that nobody reads to its end: fewer at once may do."""
    return Trouble(Action.SPLIT, f"Graph API: an answer of more than {most} bytes", TRANSIENT_DELAY_S, tries=FEW)


def invisible() -> Trouble:
    """The old answer `false`, or null: there is no such object, or not for this token."""
    error = "Graph API: the lead does not exist, or this token may not see it"
    return Trouble(Action.RETRY, error, UNKNOWN_DELAY_S, tries=FEW, ask_after=True)


def safe(text: str) -> str:
    """`text` as one bounded line without secrets and control characters."""
    return _CONTROL.sub(" ", _SECRETS.sub("…", text[:2_000])).strip()[:MAX_ERROR]


def _without_fault(status: int, headers: Mapping[str, str], body: Any) -> Trouble:
    if status == 429:
        return _wait(headers, f"Graph {status}: too many calls", Scope.PAGE)
    if body is False or (body is None and status == 200):
        return invisible() if body is False else unreadable("the answer was cut")
    if status >= 500 or body is None:
        return unreadable(f"HTTP {status} without an explanation")
    return Trouble(Action.RETRY, safe(f"Graph {status}: an answer nobody has described"), UNKNOWN_DELAY_S, tries=FEW)


def _of_fault(found: GraphFault, status: int, headers: Mapping[str, str], error: str) -> Trouble:
    code, text = found.code, found.message.lower()
    if code in _LIMITS or status == 429:
        scope = Scope.APP if code in _APP_LIMITS else Scope.USER if code in _USER_LIMITS else Scope.PAGE
        return _wait(headers, error, scope)
    if code == 368:
        return Trouble(Action.WAIT, error, BLOCKED_WAIT_S, Scope.PAGE, "limit")
    if code in _TOKEN or "appsecret_proof" in text:
        return Trouble(Action.ASK, error, 0.0, Scope.PAGE, "token")
    if code in _PERMISSION or "lead access manager" in text:
        return Trouble(Action.ASK, error, 0.0, Scope.PAGE, "permission")
    if code == 803:
        return Trouble(Action.BURY, error)
    if (code == 100 and "too many ids" in text) or (code == 1 and "reduce the amount of data" in text):
        return Trouble(Action.SPLIT, error, TRANSIENT_DELAY_S)
    if code == 100 and found.subcode == 33:
        return Trouble(Action.RETRY, error, MISSING_DELAY_S, tries=FEW, ask_after=True)
    if code in (1, 2) or found.transient or status >= 500:
        return Trouble(Action.RETRY, error, TRANSIENT_DELAY_S)
    return Trouble(Action.RETRY, error, UNKNOWN_DELAY_S, tries=FEW)


def _wait(headers: Mapping[str, str], error: str, scope: Scope) -> Trouble:
    after = headers.get("retry-after", "")
    told = clamp(float(after)) if re.fullmatch(r"[0-9]{1,7}", after) else 0.0
    said = usage(headers)
    regain_s = max(said.page.regain_s, said.app.regain_s)
    return Trouble(Action.WAIT, error, regain_s or told or DEFAULT_WAIT_S, scope, "limit")


def _integer(value: Any) -> int:
    """A code, also where it came as text; 0 for what is none."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
