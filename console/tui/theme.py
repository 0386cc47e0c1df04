"""The console's two themes, and what each tone looks like in whichever theme is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from console.format import Tone

if TYPE_CHECKING:
    from textual.app import App

DARK = Theme(
    name="leads-dark",
    dark=True,
    primary="#6cb6ff",
    secondary="#8ddb8c",
    accent="#6cb6ff",
    foreground="#d3d9e3",
    background="#11151b",
    surface="#161b22",
    panel="#1d242d",
    success="#57c27a",
    warning="#e0b341",
    error="#f2736b",
    variables={
        "dim": "#808b99",
        "frame": "#343d49",
        "hue1": "#79b8ff",
        "hue2": "#c8a1ff",
        "hue3": "#5fd0cf",
        "hue4": "#f0a875",
        "hue5": "#e59bbf",
        "input-selection-background": "#6cb6ff 30%",
    },
)
LIGHT = Theme(
    name="leads-light",
    dark=False,
    primary="#0b62c4",
    secondary="#1a7f37",
    accent="#0b62c4",
    foreground="#1f2328",
    background="#fcfcfa",
    surface="#f4f4f1",
    panel="#e9e9e5",
    success="#1a7f37",
    warning="#8f5f00",
    error="#c4232b",
    variables={
        "dim": "#666e78",
        "frame": "#c6cad0",
        "hue1": "#0b62c4",
        "hue2": "#7a3fc4",
        "hue3": "#0b7580",
        "hue4": "#a84d0b",
        "hue5": "#a6306f",
        "input-selection-background": "#0b62c4 25%",
    },
)


class Palette:
    """Tone → style in one theme, and the grounds of rows."""

    def __init__(self, variables: dict[str, str], *, dark: bool) -> None:
        foreground = Color.parse(variables.get("foreground", "#d0d0d0" if dark else "#202020"))
        background = Color.parse(variables.get("background", "#101010" if dark else "#fafafa"))
        if foreground.ansi is not None or background.ansi is not None:
            foreground = Color.parse("#d0d0d0" if dark else "#202020")
            background = Color.parse("#101010" if dark else "#fafafa")

        def color(name: str, default: Color) -> Color:
            found = variables.get(name)
            parsed = Color.parse(found) if found else default
            return background.blend(parsed, parsed.a).with_alpha(1.0) if parsed.ansi is None else default

        primary = color("primary", foreground)
        warning = color("warning", foreground)
        dim = color("dim", foreground.blend(background, 0.42))
        self.frame = _ink(color("frame", foreground.blend(background, 0.78)))
        self.frame_focus = _ink(primary)
        self.ground = Style(bgcolor=background.rich_color, color=foreground.rich_color)
        self.tones: dict[Tone, Style] = {
            Tone.PLAIN: _ink(foreground),
            Tone.DIM: _ink(dim),
            Tone.STRONG: _ink(foreground, bold=True),
            Tone.ACCENT: _ink(primary),
            Tone.OK: _ink(color("success", foreground)),
            Tone.WARN: _ink(warning),
            Tone.BAD: _ink(color("error", foreground)),
            Tone.KEY: _ink(primary, bold=True),
            Tone.CHART: _ink(background.blend(primary, 0.62)),
            Tone.FRAME: self.frame,
            Tone.RULE: self.frame,
            Tone.TAB: Style(color=background.rich_color, bgcolor=primary.rich_color, bold=True),
            Tone.DANGER: Style(color=background.rich_color, bgcolor=color("error", foreground).rich_color, bold=True),
            Tone.MATCH: Style(color=background.rich_color, bgcolor=warning.rich_color, bold=True),
            Tone.HUE1: _ink(color("hue1", primary)),
            Tone.HUE2: _ink(color("hue2", color("accent", primary))),
            Tone.HUE3: _ink(color("hue3", color("success", primary))),
            Tone.HUE4: _ink(color("hue4", color("warning", primary))),
            Tone.HUE5: _ink(color("hue5", color("secondary", primary))),
        }
        self.faded = _ink(foreground.blend(background, 0.55))
        self.cursor = Style(bgcolor=background.blend(primary, 0.22 if dark else 0.15).rich_color)
        self.cursor_away = Style(bgcolor=background.blend(foreground, 0.08).rich_color)
        self.bar = Style(bgcolor=background.blend(foreground, 0.06).rich_color)


def _ink(color: Color, *, bold: bool | None = None) -> Style:
    return Style(color=color.rich_color, bold=bold)


_BY_THEME: dict[tuple[str, bool], Palette] = {}


def palette_of(app: App[object]) -> Palette:
    """The palette of the theme that `app` shows now."""
    key = (app.theme, app.native_ansi_color)
    found = _BY_THEME.get(key)
    if found is None:
        theme = app.current_theme
        variables = {**theme.to_color_system().generate(), **theme.variables}
        found = _BY_THEME[key] = Palette(variables, dark=theme.dark)
    return found
