"""Errors at the emulated test points as a picture (SVG): one dot a chip, limits as bands."""

from xml.sax.saxutils import escape

from wattseal_hil.accuracy import POINTS, Row

_LEFT, _TOP, _COLUMN, _HALF = 60, 64, 40, 190
_FULL_PERCENT = 1.75
_CLASS_1, _CLASS_05S, _OUT = "#dbe7f3", "#a9c7e8", "#c0392b"


def picture(rows: list[Row]) -> str:
    """An SVG document of all points with an error; `rows` of any number of chips."""
    width = _LEFT + _COLUMN * len(POINTS) + 20
    height = _TOP + 2 * _HALF + 150
    chips = len({row.seed for row in rows})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="16">Error at emulated test points, {chips} '
        "calibrated emulated boards, 230 V, 5(60) A</text>",
    ]
    for number, (colour, text) in enumerate(
        ((_CLASS_1, "limit of class 1"), (_CLASS_05S, "limit of class 0.5S"))
    ):
        x = _LEFT + 160 * number
        parts.append(f'<rect x="{x}" y="34" width="14" height="14" fill="{colour}"/>')
        parts.append(f'<text x="{x + 20}" y="46">{text}</text>')
    parts.append(f'<circle cx="{_LEFT + 327}" cy="41" r="3.5" fill="{_OUT}"/>')
    parts.append(f'<text x="{_LEFT + 338}" y="46">outside the limit of class 0.5S</text>')
    for number, point in enumerate(POINTS):
        x = _LEFT + _COLUMN * number
        for limit, colour in ((point.class_1, _CLASS_1), (point.class_05s, _CLASS_05S)):
            if limit is not None:
                parts.append(
                    f'<rect x="{x + 3}" y="{_y(limit):.1f}" width="{_COLUMN - 6}" '
                    f'height="{_y(-limit) - _y(limit):.1f}" fill="{colour}"/>'
                )
        parts.append(
            f'<text transform="translate({x + 24},{_y(-_FULL_PERCENT) + 14:.1f}) rotate(-60)" '
            f'text-anchor="end">{escape(point.name)}</text>'
        )
    for tenth in range(-15, 16, 5):
        y = _y(tenth / 10)
        stroke = "#333" if tenth == 0 else "#ccc"
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{width - 20}" stroke="{stroke}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
                     f"{tenth / 10:+.1f} %</text>")
    parts += _dots(rows)
    return "\n".join([*parts, "</svg>", ""])


def _dots(rows: list[Row]) -> list[str]:
    columns = {point.name: number for number, point in enumerate(POINTS)}
    seeds = sorted({row.seed for row in rows})
    spread = (_COLUMN - 16) / max(1, len(seeds) - 1)
    dots = []
    for row in rows:
        if row.error_percent is None:
            continue
        x = _LEFT + _COLUMN * columns[row.name] + 8 + spread * seeds.index(row.seed)
        y = _y(max(-_FULL_PERCENT, min(_FULL_PERCENT, row.error_percent)))
        colour = _OUT if row.class_05s is False else "#1f3a5f"
        dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
    return dots


def _y(percent: float) -> float:
    return _TOP + _HALF * (1 - percent / _FULL_PERCENT)
