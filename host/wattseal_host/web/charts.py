"""Charts as SVG, drawn on the server from data in memory; styled by the site's style sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from wattseal_host.report.localtime import DAY_S, LocalTime, clock_text, day_text

WIDTH, HEIGHT, LEFT, FOOT = 720, 228, 100, 32
MOST_LABELS = 5
_STEPS_S = (3600, 3 * 3600, 6 * 3600, 12 * 3600)


def load_curve(
    curve: Sequence[tuple[int, int, float]], peak_w: float, base_w: float, local: LocalTime
) -> Markup:
    """Mean power of each record, (start_s, end_s, W), against local time."""
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
    for at_s, label in _labels(from_s, to_s, local):
        drawn += _label(LEFT + (WIDTH - LEFT) * (at_s - from_s) / (to_s - from_s), label)
    about = f"Load curve: highest {peak_w:.0f} W, base load {base_w:.0f} W."
    return _svg(about, f"{top:.0f} W", drawn)


def daily(days: Sequence[tuple[str, float]]) -> Markup:
    """A bar for each day: (its name with the year, energy in Wh)."""
    energies_wh = [energy for _, energy in days]
    top = max([*energies_wh, 1.0])
    step = (WIDTH - LEFT) / len(energies_wh)
    bars = "".join(
        f'<rect class="bar" x="{LEFT + i * step + step * 0.1:.1f}" '
        f'y="{_level(energy, top):.1f}" width="{step * 0.8:.1f}" '
        f'height="{HEIGHT - FOOT - _level(energy, top):.1f}"/>'
        for i, energy in enumerate(energies_wh)
    )
    for i in range(0, len(days), -(-len(days) // MOST_LABELS)):
        bars += _label(LEFT + (i + 0.5) * step, days[i][0].rpartition(" ")[0])
    about = f"Energy of each of {len(energies_wh)} days; the same numbers are in the table below."
    return _svg(about, f"{top / 1000:.1f} kWh", bars)


def _labels(from_s: int, to_s: int, local: LocalTime) -> Iterator[tuple[int, str]]:
    """(time, text) of some full hours, or days, of local time."""
    span_s = to_s - from_s
    step_s = next((step for step in _STEPS_S if span_s <= MOST_LABELS * step), DAY_S)
    days = -(-span_s // (MOST_LABELS * DAY_S))
    first = local.day(from_s)
    for piece in local.pieces(from_s, to_s):
        clock_s = -(-piece.clock_s // step_s) * step_s
        while clock_s < piece.clock_s + piece.length_s:
            if clock_s:
                yield piece.start_s + clock_s - piece.clock_s, clock_text(clock_s)
            elif (piece.day - first) % days == 0:
                yield piece.start_s, day_text(piece.day)
            clock_s += step_s


def _label(at: float, text: str) -> str:
    """A mark at the axis, and what it stands for where that has room."""
    base = HEIGHT - FOOT
    mark = f'<line class="axis" x1="{at:.1f}" y1="{base}" x2="{at:.1f}" y2="{base + 5}"/>'
    if at > WIDTH - 35:
        return mark
    return f'{mark}<text x="{at:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(text)}</text>'


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
