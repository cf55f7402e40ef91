"""The circuits between a board and the world, drawn: docs/wiring-circuits.svg.

Values are those of docs/wiring.md, where a test recomputes them.
"""

from xml.sax.saxutils import escape

_INK = "#2b2b2b"


class _Sheet:
    """Symbols on a grid of pixels; resistors are boxes, as IEC 60617 has them."""

    def __init__(self) -> None:
        self.out: list[str] = []

    def text(self, x: float, y: float, words: str, *, size: float = 12.5, anchor: str = "start",
             colour: str = "#222", bold: bool = False) -> None:
        weight = ' font-weight="700"' if bold else ""
        self.out.append(
            f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"'
            f"{weight}>{escape(words)}</text>"
        )

    def wire(self, *points: tuple[float, float], colour: str = _INK) -> None:
        path = "L".join(f"{x} {y}" for x, y in points)
        self.out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')

    def dot(self, x: float, y: float) -> None:
        self.out.append(f'<circle cx="{x}" cy="{y}" r="3.2" fill="{_INK}"/>')

    def terminal(self, x: float, y: float, words: str, anchor: str = "start",
                 colour: str = "#222") -> None:
        self.out.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#fff" stroke="{_INK}" '
                        'stroke-width="1.6"/>')
        self.text(x + (9 if anchor == "start" else -9), y + 4, words, anchor=anchor, bold=True,
                  colour=colour)

    def resistor(self, x: float, y: float, words: str, upright: bool = False) -> None:
        """Centred at x, y; 44 long; ends are 22 away."""
        w, h = (14, 44) if upright else (44, 14)
        self.out.append(f'<rect x="{x - w / 2}" y="{y - h / 2}" width="{w}" height="{h}" '
                        f'fill="#fff" stroke="{_INK}" stroke-width="1.6"/>')
        if upright:
            self.text(x + 13, y + 4, words)
        else:
            self.text(x, y - 13, words, anchor="middle")

    def capacitor(self, x: float, y: float, words: str) -> None:
        """Upright, centred at x, y; ends are 22 away."""
        self.wire((x, y - 22), (x, y - 4))
        self.wire((x - 12, y - 4), (x + 12, y - 4))
        self.wire((x - 12, y + 4), (x + 12, y + 4))
        self.wire((x, y + 4), (x, y + 22))
        self.text(x + 17, y + 4, words)

    def ground(self, x: float, y: float) -> None:
        for k, half in enumerate((10, 6, 2)):
            self.wire((x - half, y + 5 * k), (x + half, y + 5 * k))

    def box(self, x: float, y: float, w: float, h: float, words: str = "",
            colour: str = _INK) -> None:
        self.out.append(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="6" fill="#fff" '
                        f'stroke="{colour}" stroke-width="1.6"/>')
        if words:
            self.text(x + w / 2, y + h / 2 + 4, words, anchor="middle", bold=True, colour=colour)


def circuits() -> str:
    """Analogue inputs, P1 stage and RS-485, as SVG."""
    sheet = _Sheet()
    _inputs(sheet)
    _p1(sheet)
    _rs485(sheet)
    body = "\n".join(sheet.out)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 920" '
        'font-family="Inter, Helvetica, Arial, sans-serif" role="img" aria-labelledby="t">\n'
        '<title id="t">Analogue inputs, customer port and utility port: circuits</title>\n'
        '<rect width="1000" height="920" fill="#fbfaf6"/>\n' + body + "\n</svg>\n"
    )


def _inputs(s: _Sheet) -> None:
    s.text(30, 44, "Analogue inputs", size=18, bold=True, colour="#b5651d")
    s.text(200, 44, "both rest at the bias, 1.30 V, and swing about it", colour="#555")
    # voltage
    s.box(30, 84, 120, 92, "", "#b5651d")
    s.text(90, 120, "AC adapter", anchor="middle", bold=True, colour="#b5651d")
    s.text(90, 140, "9 V, isolated", anchor="middle", colour="#555")
    s.text(90, 158, "11.0 V open", anchor="middle", colour="#555")
    s.wire((150, 100), (218, 100))
    s.resistor(240, 100, "13 kΩ")
    s.wire((262, 100), (478, 100))
    s.dot(330, 100)
    s.wire((330, 100), (330, 110))
    s.resistor(330, 132, "750 Ω", upright=True)
    s.wire((330, 154), (330, 200))
    s.wire((150, 160), (190, 160), (190, 200), (860, 200))
    s.dot(330, 200)
    s.resistor(500, 100, "300 Ω")
    s.wire((522, 100), (700, 100))
    s.dot(600, 100)
    s.capacitor(600, 122, "100 nF")
    s.wire((600, 144), (600, 152))
    s.ground(600, 152)
    s.terminal(704, 100, "VOLTAGE pin: 0.6 V RMS at 230 V", colour="#b5651d")
    # current
    s.box(30, 244, 120, 92, "", "#b5651d")
    s.text(90, 280, "current clamp", anchor="middle", bold=True, colour="#b5651d")
    s.text(90, 300, "100 A : 50 mA", anchor="middle", colour="#555")
    s.text(90, 318, "2000 : 1", anchor="middle", colour="#555")
    s.wire((150, 320), (478, 320))
    s.wire((150, 260), (190, 260), (190, 236), (330, 236), (330, 200))
    s.dot(330, 236)
    s.wire((330, 236), (330, 256))
    s.resistor(330, 278, "22 Ω burden", upright=True)
    s.wire((330, 300), (330, 320))
    s.dot(330, 320)
    s.resistor(500, 320, "1 kΩ")
    s.wire((522, 320), (700, 320))
    s.dot(600, 320)
    s.capacitor(600, 342, "100 nF")
    s.wire((600, 364), (600, 372))
    s.ground(600, 372)
    s.terminal(704, 320, "CURRENT pin: 11 mV RMS an ampere", colour="#b5651d")
    # bias
    s.dot(780, 200)
    s.text(690, 192, "bias 1.30 V", bold=True)
    s.wire((860, 200), (860, 178))
    s.dot(860, 200)
    s.resistor(860, 156, "20 kΩ", upright=True)
    s.wire((860, 134), (860, 128))
    s.text(860, 122, "3.3 V", anchor="middle", bold=True, colour="#c0392b")
    s.wire((860, 200), (860, 222))
    s.resistor(860, 244, "13 kΩ", upright=True)
    s.wire((860, 266), (860, 274))
    s.ground(860, 274)
    s.wire((780, 200), (780, 222))
    s.capacitor(780, 244, "10 µF")
    s.wire((780, 266), (780, 274))
    s.ground(780, 274)


def _p1(s: _Sheet) -> None:
    s.text(30, 450, "Customer port: P1 socket", size=18, bold=True, colour="#2e7d4f")
    s.text(270, 450, "RJ12, open collector; the reader brings the pull-up to 5 V", colour="#555")
    s.terminal(170, 540, "CUSTOMER_TX", "end", "#2e7d4f")
    s.wire((174, 540), (218, 540))
    s.resistor(240, 540, "4.7 kΩ")
    s.wire((262, 540), (330, 540))
    s.wire((330, 518), (330, 562))  # base
    s.wire((330, 530), (360, 508), (360, 490), (520, 490))
    s.wire((330, 550), (360, 572), (360, 590))
    s.out.append(f'<path d="M360 572l-11 -3l6 -8z" fill="{_INK}"/>')
    s.ground(360, 590)
    s.text(346, 545, "BC547")
    s.text(300, 630, "idle is low at pin 5: this stage inverts, p1_inverted stays 0",
           anchor="middle", colour="#555", size=12)
    s.box(520, 470, 190, 150, "", "#2e7d4f")
    for row, words in enumerate((
        "5  data", "1  +5 V, fused 250 mA", "2  data request: not read", "3  data ground",
        "6  power ground", "4  not connected",
    )):  # fmt: skip
        s.text(536, 494 + 23 * row, words, bold=row == 0)
    s.text(615, 640, "RJ12 socket", anchor="middle", colour="#555")
    s.terminal(830, 494, "CUSTOMER_RX", colour="#2e7d4f")
    s.text(740, 522, "P1 has no way back: pairing and", colour="#555", size=12)
    s.text(740, 540, "questions come by a 3.3 V serial", colour="#555", size=12)
    s.text(740, 558, "adapter: TX here, 10 kΩ to 3.3 V", colour="#555", size=12)


def _rs485(s: _Sheet) -> None:
    s.text(30, 690, "Utility port: RS-485", size=18, bold=True, colour="#2a4d8f")
    s.text(230, 690, "terminated at both ends of the line, biased at one place", colour="#555")
    s.box(330, 714, 130, 140, "", "#2a4d8f")
    s.text(408, 744, "MAX3485", anchor="middle", bold=True, colour="#2a4d8f")
    s.text(408, 762, "3.3 V", anchor="middle", colour="#555")
    for name, at_chip, y in (
        ("UTILITY_TX", "DI", 732), ("UTILITY_DIRECTION", "DE, /RE", 772), ("UTILITY_RX", "RO", 812),
    ):  # fmt: skip
        s.terminal(190, y, name, "end", "#2a4d8f")
        s.wire((194, y), (330, y))
        s.text(337, y + 4, at_chip, size=11, colour="#555")
    s.dot(230, 772)
    s.wire((230, 772), (230, 780))
    s.resistor(230, 852, "10 kΩ", upright=True)
    s.wire((230, 818), (230, 830))
    s.wire((230, 780), (230, 806))
    s.out.append(f'<path d="M230 806a6 6 0 0 1 0 12" fill="none" stroke="{_INK}" '
                 'stroke-width="1.6"/>')
    s.wire((230, 874), (230, 882))
    s.ground(230, 882)
    s.text(337, 840, "RO: 10 kΩ to 3.3 V", size=11, colour="#555")
    s.wire((460, 740), (760, 740))
    s.wire((460, 828), (760, 828))
    s.text(466, 734, "A", size=11, colour="#555")
    s.text(466, 822, "B", size=11, colour="#555")
    s.dot(540, 740)
    s.dot(540, 828)
    s.wire((540, 740), (540, 762))
    s.resistor(540, 784, "120 Ω", upright=True)
    s.wire((540, 806), (540, 828))
    s.dot(650, 740)
    s.wire((650, 740), (650, 736))
    s.resistor(650, 714, "390 Ω to 3.3 V", upright=True)
    s.dot(650, 828)
    s.wire((650, 828), (650, 832))
    s.resistor(650, 854, "390 Ω to GND", upright=True)
    s.terminal(764, 740, "A (+)", colour="#2a4d8f")
    s.terminal(764, 828, "B (-)", colour="#2a4d8f")
    s.text(840, 772, "twisted pair, and", colour="#555", size=12)
    s.text(840, 790, "ground as third wire", colour="#555", size=12)
