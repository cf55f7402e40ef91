"""Charts as SVG, drawn on the server from data in memory; styled by the site's style sheet."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, FOOT = 720, 220, 100, 24


def load_curve(curve: Sequence[tuple[int, int, float]], peak_w: float, base_w: float) -> Markup:
    """Mean power of each record, (start_s, end_s, W), against time."""
    from_s, to_s = curve[0][0], curve[-1][1]
    top = max(peak_w, 1.0)
    path: list[str] = []
    at_s = None
    for start_s, end_s, power in curve:
        left, right = (
            LEFT + (WIDTH - LEFT) * (t - from_s) / (to_s - from_s) for t in (start_s, end_s)
        )
        level = _level(power, top)
        path.append(f"{'L' if start_s == at_s else 'M'}{left:.1f} {level:.1f}H{right:.1f}")
        at_s = end_s
    drawn = f'<path class="curve" d="{"".join(path)}"/>'
    about = f"Load curve: highest {peak_w:.0f} W, base load {base_w:.0f} W."
    return _svg(about, f"{top:.0f} W", drawn)


def daily(energies_wh: Sequence[float]) -> Markup:
    """A bar for each day."""
    top = max([*energies_wh, 1.0])
    step = (WIDTH - LEFT) / len(energies_wh)
    bars = "".join(
        f'<rect class="bar" x="{LEFT + i * step + step * 0.1:.1f}" '
        f'y="{_level(energy, top):.1f}" width="{step * 0.8:.1f}" '
        f'height="{HEIGHT - FOOT - _level(energy, top):.1f}"/>'
        for i, energy in enumerate(energies_wh)
    )
    about = f"Energy of each of {len(energies_wh)} days; the same numbers are in the table below."
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
