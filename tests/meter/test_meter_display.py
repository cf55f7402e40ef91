"""The meter's display: pages, notices, sleep, and a meter that goes on without one."""

import re
import shutil

import pytest
from meter.pages import _decimal
from meter.rows import wrap
from meter_bench import START_S, Customer, pair
from wattseal_hil.board import FIRMWARE, EmulatedBoard
from wattseal_hil.loads import ConstantLoad

SETTINGS = {"burst_ms": 60_000, "telegram_ms": 60_000}
HOUR_S = 3600


def board(**options):
    options = {"settings": SETTINGS, "load": ConstantLoad(1200), "start_s": START_S, **options}
    return EmulatedBoard(form="romfs", **options)


def passes(board, seconds):
    board.run_until(board.now_s + seconds)


def pages(board, count=6):
    """The next pages, as lists of lines."""
    shown = []
    for _ in range(count):
        passes(board, 0.1)
        shown.append(board.display_text().split("\n"))
        passes(board, 4.9)
    return shown


@pytest.fixture(scope="module")
def day():
    """A meter after 26 hours of 1.2 kW, its display just woken."""
    with board() as made:
        made.power_on()
        made.run_until(START_S + 26 * HOUR_S)
        assert made.display_text().strip() == ""
        asleep = made._bench.bus.transfers
        assert asleep == 1  # when it started
        made.press_button()
        made.press_button()  # the first shows a PIN
        yield made


def test_pages_and_sleep(day):
    now, used, cost, status, pairing, exports = pages(day)
    assert re.fullmatch(r" +1(19|20)\d W", now[0]) and now[1] == ""
    assert re.fullmatch(r"2(29|30)\.\d V 5\.\d\d A", now[3])
    assert re.fullmatch(r"In    31\.\d{3} kWh", now[4])
    assert now[6] == "2026-01-02 03:00"
    # The telegrams' time is an hour ahead of UTC: today began three hours ago.
    assert used[0] == "Today" and re.fullmatch(r" +3\.[56]\d\d kWh in", used[1])
    assert used[3] == "Yesterday" and re.fullmatch(r" +2[78]\.\d{3} kWh in", used[4])
    assert cost[2] == "no price list"
    assert status[:4] == ["Sealing", "Record 54 up to", "2026-01-02 03:00", "not calibrated"]
    assert "".join(pairing[1:3]) in day.console
    assert pairing[3:6] == ["Never paired", "press to pair", "Utility: sealed"]
    assert exports[:3] == ["Exports", "", "None is allowed."]
    assert pages(day, 1)[0][0].endswith(" W")  # and so on
    passes(day, 20)
    assert day.display_text().strip()
    passes(day, 10)
    assert day.display_text().strip() == ""
    asleep = day._bench.bus.transfers
    passes(day, HOUR_S)
    assert day._bench.bus.transfers == asleep


def test_a_press_shows_a_pin_and_the_next_one_the_pages(day):
    day.press_button()
    passes(day, 1)
    assert re.match(r"Pairing\nPIN \d{6}\n", day.display_text())
    day.press_button()
    passes(day, 1)
    assert day.display_text().split("\n")[0].endswith(" W")
    customer = Customer(day)
    try:
        assert customer.status()["pairing_open"] is False
        assert pair(day, customer).epoch == 1
        passes(day, 1)
        assert day.display_text().startswith("Paired.\n")
        passes(day, HOUR_S)
        day.press_button()
        day.press_button()
        _, used, _, _, pairing, _ = pages(day)
        # Who is paired now does not see what was used before.
        assert re.fullmatch(r" +0\.[0-9]\d\d kWh in", used[1]) and " 0.000 kWh in" in used[4]
        assert pairing[3] == "Pairing 1"
    finally:
        customer.close()


PLAY = '''
async def play(notice):
    await asyncio.sleep(30)
    notice.say(("PIN 123456", "for Portal of the Neighbours, 5 minutes"))
    await asyncio.sleep(120)
    notice.clear()
    await asyncio.sleep(120)
    notice.ask(["Share a week", "with Portal?"], lambda: print("yes"))
    await asyncio.sleep(60)
    notice.clear()
    print("over")

def main():'''


@pytest.fixture
def player(tmp_path):
    """Firmware that says and asks something by itself."""
    shutil.copytree(FIRMWARE, tmp_path / "fw", ignore=shutil.ignore_patterns("__pycache__"))
    main = tmp_path / "fw" / "main.py"
    text = main.read_text().replace("\ndef main():", PLAY, 1)
    starts = "    asyncio.create_task(play(meter.notice))\n    address = join"
    main.write_text(text.replace("    address = join", starts, 1))
    return tmp_path / "fw"


def test_notices_take_it_over(player):
    with board(firmware=player) as made:
        made.power_on()
        passes(made, 31)
        said = "PIN 123456\nfor Portal of\nthe Neighbours,\n5 minutes\n\n\n\n"
        assert made.display_text() == said
        passes(made, 100)
        assert made.display_text() == said  # longer than a page stays
        passes(made, 21)
        assert made.display_text().split("\n")[0].endswith(" W")
        passes(made, 60)
        assert made.display_text().strip() == ""
        passes(made, 62)
        assert made.display_text().startswith("Share a week\nwith Portal?\n")
        made.press_button()
        passes(made, 1)
        assert made.console.count("yes") == 1 and "notice" not in made.console
        made.press_button()
        passes(made, 1)
        assert made.console.count("yes") == 1


def test_without_a_display_the_meter_goes_on(player):
    with board(firmware=player) as made:
        made.inject({"fault": "display-absent"})
        made.power_on()
        passes(made, 31)
        assert made.console.count("no display answers") == 1
        assert "notice: PIN 123456\nnotice: for Portal" in made.console
        passes(made, 250)
        made.press_button()
        passes(made, 1)
        assert "yes" not in made.console  # nobody could read what it would have been for
        transfers = made._bench.bus.transfers
        for _ in range(5):
            made.press_button()
        assert made._bench.bus.transfers == transfers  # not tried at every press
        assert made.console.count("no display answers") == 1
        # Somebody plugs one in.
        made.inject(None)
        passes(made, 300)  # until it sleeps
        made.press_button()
        made.press_button()
        passes(made, 1)
        assert made.display_text().split("\n")[0].endswith(" W")
        passes(made, HOUR_S)
        assert made.failure is None


def test_a_bus_that_gets_stuck_while_a_notice_is_shown(player):
    with board(firmware=player) as made:
        made.power_on()
        passes(made, 31)
        made.inject({"fault": "bus-stuck"})
        passes(made, 5)
        assert made.console.count("no display answers") == 1
        assert "notice: PIN 123456" in made.console
        passes(made, HOUR_S)
        assert made.console.count("no display answers") == 1
        customer = Customer(made)
        assert len(customer.records()) >= 4
        customer.close()


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        (["a"], ["a"]),
        (["1234567890123456"], ["1234567890123456"]),
        (["12345678901234567"], ["1234567890123456", "7"]),
        (["Share 7 days with Portal"], ["Share 7 days", "with Portal"]),
        (["123456789012345 7890"], ["123456789012345", "7890"]),
        (["1234567890123456 890", "x"], ["1234567890123456", "890", "x"]),
        ([""], [""]),
    ],
)
def test_long_lines_go_on_in_the_next_row(lines, rows):
    assert wrap(lines, 0) == (rows, 1)


def test_what_no_display_holds_is_told_in_parts_under_the_first_row():
    lines = ["PIN 123456"] + [str(number) for number in range(15)]
    shown = [wrap(lines, part) for part in range(4)]
    assert shown[0] == (lines[:8], 3) and shown[1] == (lines[:1] + lines[8:15], 3)
    assert shown[2] == (lines[:1] + lines[15:], 3) and shown[3] == shown[0]


@pytest.mark.parametrize(
    ("value", "scale", "shown", "text"),
    [
        (0, 3, 2, "0.00"), (1234, 3, 3, "1.234"), (1235, 3, 2, "1.24"), (-1235, 3, 2, "-1.24"),
        (-4, 3, 2, "0.00"), (5, 0, 2, "5.00"), (5, -1, 3, "50.000"), (999_999, 5, 2, "10.00"),
    ],
)  # fmt: skip
def test_decimals(value, scale, shown, text):
    assert _decimal(value, scale, shown) == text
