"""Which theme is on at first, and that the terminal's own colours are used as such."""

from __future__ import annotations

import pytest
from rich.color import ColorType

from console.format import Tone
from console.tui.theme import DARK, LIGHT, TERMINAL, first_theme, palette_of, plain
from tests.tui.conftest import opened


@pytest.mark.parametrize(
    ("chosen", "colors", "env", "theme"),
    [
        ("auto", "truecolor", {}, DARK),
        ("auto", "256", {}, DARK),
        ("auto", "standard", {}, TERMINAL),
        ("auto", None, {}, TERMINAL),
        ("light", "standard", {}, LIGHT),
        ("terminal", "truecolor", {}, TERMINAL),
        ("dark", "truecolor", {"NO_COLOR": "1"}, TERMINAL),
        ("dark", "truecolor", {"NO_COLOR": ""}, DARK),
    ],
)
def test_the_first_theme(chosen: str, colors: str | None, env: dict[str, str], theme: object) -> None:
    assert first_theme(chosen, colors, env) is theme


def test_every_tone_has_a_style_of_the_terminals_own_colours() -> None:
    palette = plain()
    assert set(palette.tones) == set(Tone)
    for style in (*palette.tones.values(), palette.ground, palette.frame, palette.cursor, palette.faded):
        for color in (style.color, style.bgcolor):
            assert color is None or color.type in (ColorType.STANDARD, ColorType.DEFAULT)


async def test_f2_goes_through_the_themes_and_each_is_painted() -> None:
    async with opened(theme="dark") as seat:
        seen = []
        for _n in range(3):
            await seat.press("f2")
            await seat.pilot.pause()
            seen.append(seat.app.theme)
            assert set(palette_of(seat.app.screen.app).tones) == set(Tone)
            await seat.sees("● healthy")
        assert seen == [LIGHT.name, TERMINAL.name, DARK.name]


async def test_in_the_terminals_colours_the_cursor_is_a_bar_of_one_style() -> None:
    async with opened(theme="terminal") as seat:
        await seat.press("3")
        await seat.sees("3 shown")
        table = seat.app.screen.query_one("#jobs")
        await seat.sees("▌")
        rows = [table.render_line(y) for y in range(table.size.height)]
        (row,) = [row for row in rows if "▌" in row.text]
        edges = ("│", "┃")
        styles = [segment.style for segment in row if segment.style is not None and segment.text not in edges]
        assert len(styles) > 5
        assert all(style.reverse and style.color is not None and style.color.is_default for style in styles)


async def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(theme="auto") as seat:
        assert seat.app.theme == TERMINAL.name
        for _n in range(3):
            await seat.press("f2")
            await seat.pilot.pause()
            strips = seat.app.screen._compositor.render_strips()
            for strip in strips:
                for segment in strip.apply_filter(seat.app._filters[-1], seat.app.screen.background_colors[1]):
                    style = segment.style
                    assert style is None or all(c is None or c.is_default for c in (style.color, style.bgcolor))
            assert any(s.style is not None and s.style.reverse for strip in strips for s in strip), "the screen's tab"
