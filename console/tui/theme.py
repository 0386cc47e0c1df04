"""The console's three themes, which of them is on at first, and what each tone looks like in whichever is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

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


TERMINAL = Theme(
    name="leads-terminal",
    ansi=True,
    primary="ansi_bright_blue",
    secondary="ansi_cyan",
    accent="ansi_bright_blue",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        "border": "ansi_bright_blue",
        "border-blurred": "ansi_default",
        "block-cursor-background": "ansi_bright_blue",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
    },
)
"""The terminal's own sixteen colours on its own ground."""

THEMES = {"dark": DARK, "light": LIGHT, "terminal": TERMINAL}
"""The themes by the word that chooses them; F2 goes through them in this order."""


def first_theme(chosen: str, color_system: str | None, env: Mapping[str, str]) -> Theme:
    """The theme to begin with: the chosen one; for "auto", the terminal's own colours where it has sixteen or fewer.

    `color_system` is what Rich found the terminal to have: "truecolor", "256", "standard", "windows" or None. NO_COLOR
    (https://no-color.org) leaves bold, dim and reverse of the terminal's own.
    """
    if env.get("NO_COLOR"):
        return TERMINAL
    if chosen in THEMES:
        return THEMES[chosen]
    return DARK if color_system in ("truecolor", "256") else TERMINAL


def next_theme(name: str) -> Theme:
    """The theme after the one called `name`."""
    themes = list(THEMES.values())
    at = next((n for n, theme in enumerate(themes) if theme.name == name), -1)
    return themes[(at + 1) % len(themes)]


@dataclass(frozen=True, slots=True)
class Palette:
    """Tone → style in one theme, the grounds of rows, the frame. `solid`: the row of the cursor has one style."""

    tones: dict[Tone, Style]
    ground: Style
    frame: Style
    frame_focus: Style
    faded: Style
    cursor: Style
    cursor_away: Style
    bar: Style
    solid: bool = False


def mixed(variables: Mapping[str, str], *, dark: bool) -> Palette:
    """A palette of any colours, made from a theme's variables; grounds are blends of them."""
    foreground = Color.parse(variables.get("foreground", "#d0d0d0" if dark else "#202020"))
    background = Color.parse(variables.get("background", "#101010" if dark else "#fafafa"))

    def color(name: str, default: Color) -> Color:
        found = variables.get(name)
        parsed = Color.parse(found) if found else default
        return background.blend(parsed, parsed.a).with_alpha(1.0) if parsed.ansi is None else default

    primary = color("primary", foreground)
    warning = color("warning", foreground)
    error = color("error", foreground)
    frame = _ink(color("frame", foreground.blend(background, 0.78)))
    return Palette(
        tones={
            Tone.PLAIN: _ink(foreground),
            Tone.DIM: _ink(color("dim", foreground.blend(background, 0.42))),
            Tone.STRONG: _ink(foreground, bold=True),
            Tone.ACCENT: _ink(primary),
            Tone.OK: _ink(color("success", foreground)),
            Tone.WARN: _ink(warning),
            Tone.BAD: _ink(error),
            Tone.KEY: _ink(primary, bold=True),
            Tone.CHART: _ink(background.blend(primary, 0.62)),
            Tone.FRAME: frame,
            Tone.RULE: frame,
            Tone.TAB: Style(color=background.rich_color, bgcolor=primary.rich_color, bold=True),
            Tone.DANGER: Style(color=background.rich_color, bgcolor=error.rich_color, bold=True),
            Tone.MATCH: Style(color=background.rich_color, bgcolor=warning.rich_color, bold=True),
            Tone.HUE1: _ink(color("hue1", primary)),
            Tone.HUE2: _ink(color("hue2", color("accent", primary))),
            Tone.HUE3: _ink(color("hue3", color("success", primary))),
            Tone.HUE4: _ink(color("hue4", color("warning", primary))),
            Tone.HUE5: _ink(color("hue5", color("secondary", primary))),
        },
        ground=Style(bgcolor=background.rich_color, color=foreground.rich_color),
        frame=frame,
        frame_focus=_ink(primary),
        faded=_ink(foreground.blend(background, 0.55)),
        cursor=Style(bgcolor=background.blend(primary, 0.22 if dark else 0.15).rich_color),
        cursor_away=Style(bgcolor=background.blend(foreground, 0.08).rich_color),
        bar=Style(bgcolor=background.blend(foreground, 0.06).rich_color),
    )


def plain() -> Palette:
    """The terminal's own colours. What they are is unknown: nothing is blended, and each meaning has a shape, too."""
    dim, focus = Style(dim=True), Style(color="bright_blue", bold=True)
    return Palette(
        tones={
            Tone.PLAIN: Style(),
            Tone.DIM: dim,
            Tone.STRONG: Style(bold=True),
            Tone.ACCENT: Style(color="bright_blue"),
            Tone.OK: Style(color="green"),
            Tone.WARN: Style(color="yellow"),
            Tone.BAD: Style(color="red", bold=True),
            Tone.KEY: focus,
            Tone.CHART: Style(color="bright_blue"),
            Tone.FRAME: dim,
            Tone.RULE: dim,
            Tone.TAB: Style(bold=True, reverse=True),
            Tone.DANGER: Style(color="red", bold=True, reverse=True),
            Tone.MATCH: Style(color="yellow", bold=True, reverse=True),
            Tone.HUE1: Style(color="bright_blue"),
            Tone.HUE2: Style(color="magenta"),
            Tone.HUE3: Style(color="cyan"),
            Tone.HUE4: Style(color="yellow"),
            Tone.HUE5: Style(color="bright_magenta"),
        },
        ground=Style(color="default", bgcolor="default"),
        frame=dim,
        frame_focus=focus,
        faded=dim,
        cursor=Style(reverse=True),
        cursor_away=Style(bold=True),
        bar=Style(),
        solid=True,
    )


def _ink(color: Color, *, bold: bool | None = None) -> Style:
    return Style(color=color.rich_color, bold=bold)


_BY_THEME: dict[tuple[str, bool], Palette] = {}


def palette_of(app: App[object]) -> Palette:
    """The palette of the theme that `app` shows now."""
    key = (app.theme, app.native_ansi_color)
    found = _BY_THEME.get(key)
    if found is None:
        theme = app.current_theme
        if theme.ansi or app.native_ansi_color:
            found = plain()
        else:
            found = mixed({**theme.to_color_system().generate(), **theme.variables}, dark=theme.dark)
        _BY_THEME[key] = found
    return found
