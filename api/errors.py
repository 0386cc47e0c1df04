"""The service's exception tree.

ServiceError
├── SettingsError            a setting is missing or wrong; the text names it
├── RejectedError            a request can never become valid (4xx); `status`, `reason`
├── UnavailableError         what is needed does not answer now (503); may work later
│   ├── QueueUnavailableError
│   └── StoreUnavailableError
├── GraphError               the Graph API refuses or fails; the text says how, without a token
│   └── api.graph.GraphTroubleError   with what to do about it
├── PayloadError             a job's payload cannot be understood; the job is buried
└── NotFoundError            no such job or lead
"""

from __future__ import annotations


class ServiceError(Exception):
    """Base of everything this package raises on purpose. `str()` is one line fit to be shown to an operator."""


class SettingsError(ServiceError):
    """A setting is missing or wrong. The text begins with the setting's name and says what is expected."""


class RejectedError(ServiceError):
    """A request that can never become valid: answered with the 4xx `status` and the short `reason`."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class UnavailableError(ServiceError):
    """Something the service needs does not answer now; the sender is told to come back (503)."""


class QueueUnavailableError(UnavailableError):
    """Redis does not answer, is out of memory or refuses writes."""


class StoreUnavailableError(UnavailableError):
    """Postgres does not answer or refuses the connection."""


class GraphError(ServiceError):
    """The Graph API refuses or fails. The text is bounded and holds neither a token nor control characters."""


class PayloadError(ServiceError):
    """A job's payload cannot be understood, now or ever; retrying without an edit is useless."""


class NotFoundError(ServiceError):
    """No job or lead with that id."""
