"""The app's places: the numbered screens, made when first gone to, and the ways to something on them."""

from __future__ import annotations

import re
from functools import partial
from importlib import import_module

from textual.app import ScreenStackError

from api.models import JobState, Lead
from console.tui.inturn import InTurn
from console.tui.keys import Remappable
from console.tui.screens.overview import Overview
from console.tui.screens.page import Page
from console.tui.state import Known
from console.tui.widgets.bars import TopBar

PAGES = ("overview", "logs", "queue", "leads", "volumes", "activity")


class Places(Remappable, InTurn):
    """An app with the numbered screens as modes."""

    known: Known
    pages: dict[str, Page]

    def make_places(self) -> None:
        """Every screen has its mode; it is made when it is first shown."""
        self.pages = {}
        for name in PAGES:
            self.add_mode(name, partial(self._make, name))

    @property
    def page(self) -> Page | None:
        """The numbered screen that can be seen, None while a box is over it."""
        try:
            screen = self.screen
        except ScreenStackError:  # the app is closing
            return None
        return screen if isinstance(screen, Page) and screen.ready else None

    def on_top_bar_chosen(self, message: TopBar.Chosen) -> None:
        """A screen's name was clicked."""
        self.action_go(message.name)

    def action_go(self, name: str) -> None:
        """Show a numbered screen; what lies over the present one goes."""
        if name in PAGES:
            self._go(name)

    def _go(self, name: str) -> Page:
        self.switch_mode(name)
        page = self.pages[name]
        while self.screen is not page and len(self.screen_stack) > 1:
            self.pop_screen()
        return page

    def _make(self, name: str) -> Page:
        if name == "overview":
            made: Page = Overview(self.known)
        else:
            module = import_module(f"console.tui.screens.{name}")  # only now: the first paint is sooner
            made = getattr(module, name.capitalize())(self.known)
        self.pages[name] = made
        return made

    def open_queue(self, state: str) -> None:
        """Show the queue's jobs of one state."""
        page = self._go("queue")
        from console.tui.screens.queue import Queue

        if isinstance(page, Queue):
            page.when_ready(lambda: page.open(JobState(state), ""))

    def open_lead(self, lead: Lead) -> None:
        """Show one lead."""
        page = self._go("leads")
        from console.tui.screens.leads import Leads

        if isinstance(page, Leads):
            page.when_ready(lambda: page.open(lead))

    def open_logs(self, *services: str) -> None:
        """Show the log of some services."""
        self.known.remember(f"logs {' '.join(services)}")
        page = self._go("logs")
        from console.tui.screens.logs import Logs

        if isinstance(page, Logs):
            page.when_ready(lambda: page.show_services(set(services)))

    def open_logs_of(self, *ids: str) -> None:
        """Show the log lines that mention any of these ids."""
        page = self._go("logs")
        from console.tui.screens.logs import Logs

        if isinstance(page, Logs):
            page.when_ready(lambda: page.show_matching("|".join(re.escape(i) for i in ids if i)))

    def go_and_press(self, name: str, key: str) -> None:
        """Go to a numbered screen and do what a key does there."""

        def press() -> None:
            self.call_after_refresh(self.simulate_key, key)

        self._go(name).when_listed(press)

    def changes(self, name: str, action: str) -> bool:
        """Whether that action of a numbered screen changes something."""
        page = self.pages.get(name)
        return page is None or action.rpartition(".")[2] in page.CHANGING

    def open_trace(self, wanted: str) -> None:
        """Show the way of a lead or job, over the screen that is open."""
        from console.tui.screens.trace import TracePage

        self.known.remember(f"trace {wanted}")
        self.push_screen(TracePage(self.known, wanted))
