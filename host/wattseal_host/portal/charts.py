"""Charts as SVG, drawn on the server from data in memory; styled by the site's style sheet."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from wattseal_host.portal.analysis import Analysis, Day

WIDTH, HEIGHT, LEFT, FOOT = 720, 220, 100, 24


def load_curve(analysis: Analysis) -> Markup:
    """Mean power of each record against time."""
    from_s, to_s = analysis.curve[0][0], analysis.curve[-1][1]
    top = max(analysis.peak_w, 1.0)
    path: list[str] = []
    at_s = None
    for start_s, end_s, power in analysis.curve:
        left, right = (
            LEFT + (WIDTH - LEFT) * (t - from_s) / (to_s - from_s) for t in (start_s, end_s)
        )
        level = _level(power, top)
        path.append(f"{'L' if start_s == at_s else 'M'}{left:.1f} {level:.1f}H{right:.1f}")
        at_s = end_s
    drawn = f'<path class="curve" d="{"".join(path)}"/>'
    about = f"Load curve: highest {analysis.peak_w:.0f} W, base load {analysis.base_w:.0f} W."
    return _svg(about, f"{top:.0f} W", drawn)


def daily(days: Sequence[Day]) -> Markup:
    """A bar for each day."""
    top = max([day.energy_wh for day in days] + [1.0])
    step = (WIDTH - LEFT) / len(days)
    bars = "".join(
        f'<rect class="bar" x="{LEFT + i * step + step * 0.1:.1f}" '
        f'y="{_level(day.energy_wh, top):.1f}" width="{step * 0.8:.1f}" '
        f'height="{HEIGHT - FOOT - _level(day.energy_wh, top):.1f}"/>'
        for i, day in enumerate(days)
    )
    about = f"Energy of each of {len(days)} days; the same numbers are in the table below."
    return _svg(about, f"{top / 1000:.1f} kWh", bars)


def _level(value: float, top: float) -> float:
    return 12 + (HEIGHT - FOOT - 12) * (1 - value / top)


def _svg(about: str, top: str, drawn: str) -> Markup:
    base = HEIGHT - FOOT
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(about)}">'
        f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{WIDTH}" y2="{base}"/>'
        f'<text x="{LEFT - 6}" y="18" text-anchor="end">{escape(top)}</text>'
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>{drawn}</svg>'
    )
