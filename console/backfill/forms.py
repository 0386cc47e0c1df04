"""Finds the forms that a backfill is to go through, and whose they are: every call needs its page's token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from api.graph import Form, GraphClient
from api.models import LeadFilter
from console.backfill.asking import Asking
from console.backfill.records import Wanted
from console.errors import UsageError
from console.links import Links

TOKEN_HINT = "set META_ACCESS_TOKEN or META_ACCESS_TOKENS in the stack's .env"  # noqa: S105 - names of settings


async def find(wanted: Wanted, graph: GraphClient, asking: Asking, links: Links) -> Sequence[Form]:
    """The forms that are wanted, each with its page.

    Raises:
        UsageError: whose a form is is not known, or there is no token for its page.
        ConsoleError: the Graph API does not tell.
    """
    if not wanted.forms:
        _demand_token(graph, wanted.page)
        found = await asking.call(wanted.page, lambda: graph.edges.forms(wanted.page))
        return [replace(form, page=wanted.page) for form in found]
    return [
        await _form(form, wanted.page or await _page_of(form, links), graph, asking)
        for form in dict.fromkeys(wanted.forms)
    ]


async def _form(form: str, page: str, graph: GraphClient, asking: Asking) -> Form:
    if not page and graph.tokens and not graph.token_for(""):
        raise _nobodys(form)
    _demand_token(graph, page)
    found = await asking.call(page, lambda: graph.edges.form(page, form))
    owner = found.page or page
    if not owner:
        raise _nobodys(form)
    _demand_token(graph, owner)
    return replace(found, page=owner)


async def _page_of(form: str, links: Links) -> str:
    """The page of a form that leads have come from, "" if none has."""
    known = await links.read(lambda reader: reader.page(LeadFilter(form=form), "", 1))
    return next((lead.page_id for lead in known.leads if lead.form_id == form), "")


def _demand_token(graph: GraphClient, page: str) -> None:
    if not graph.token_for(page):
        raise UsageError(f"there is no token{f' for page {page}' if page else ''}", TOKEN_HINT)


def _nobodys(form: str) -> UsageError:
    return UsageError(f"which page form {form} belongs to is not known", "add --page with the page's id")
