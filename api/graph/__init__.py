"""The Graph API: reading leads by id and by form, and what its errors and usage headers mean. The only user of httpx.

`GraphClient` talks (`Edges` lists, `Setup` looks at tokens and pages), over `Transport`, which makes no call while
`Limits` says to wait; `verdict` and `usage` are pure and say what an answer means. `GraphClient.counts` tells what was
asked.
"""

from __future__ import annotations

from api.graph.answers import GraphLead
from api.graph.client import GraphClient, LeadsAnswer
from api.graph.counts import GraphCounts
from api.graph.edges import Form, GraphTroubleError, LeadsPage
from api.graph.limits import EVERY
from api.graph.setup import TokenFacts
from api.graph.usage import Usage
from api.graph.verdict import Action, Scope, Trouble

__all__ = [
    "EVERY",
    "Action",
    "Form",
    "GraphClient",
    "GraphCounts",
    "GraphLead",
    "GraphTroubleError",
    "LeadsAnswer",
    "LeadsPage",
    "Scope",
    "TokenFacts",
    "Trouble",
    "Usage",
]
