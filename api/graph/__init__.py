"""The Graph API: reading leads by id and by form, and what its errors and usage headers mean. The only user of httpx.

`GraphClient` talks; `verdict` and `usage` are pure and say what an answer means.
"""

from __future__ import annotations

from api.graph.answers import GraphLead
from api.graph.client import GraphClient, LeadsAnswer
from api.graph.usage import Usage
from api.graph.verdict import Action, Scope, Trouble

__all__ = ["Action", "GraphClient", "GraphLead", "LeadsAnswer", "Scope", "Trouble", "Usage"]
