"""Virtual time below the firmware: ticks that wrap, the epoch 2000, asyncio's order, the RTC."""

from wattseal_hil.board import START_S

EPOCH_2000_S = 946_684_800
BOOT = "import asyncio, time, machine\n"
REST = "while True: time.sleep(1000)\n"


def printed(board) -> list[str]:
    return board.console.splitlines()


def test_ticks_wrap_as_on_the_chip(vm, make_board, firmware):
    source = BOOT + (
        "async def main():\n"
        "    ms, us = time.ticks_ms(), time.ticks_us()\n"
        "    wraps = 0\n"
        "    for second in range(1, 101):\n"
        "        await asyncio.sleep_ms(1000)\n"
        "        m, u = time.ticks_ms(), time.ticks_us()\n"
        "        assert time.ticks_diff(m, ms) == 1000 and time.ticks_diff(u, us) == 1000000\n"
        "        assert 0 <= m < 1 << 30 and 0 <= u < 1 << 30\n"
        "        wraps += (m < ms) + (u < us)\n"
        "        ms, us = m, u\n"
        "    print('wraps', wraps)\n"
        "    await asyncio.sleep(100000)\n"
        "asyncio.run(main())\n"
    )
    board = make_board(vm, firmware=firmware(source))
    board.power_on()
    board.run_until(board.now_s + 101)
    assert printed(board) == ["wraps 2"]


def test_timers_keep_their_order_across_the_wrap(vm, make_board, firmware):
    source = BOOT + (
        "async def task(name, ms):\n"
        "    await asyncio.sleep_ms(ms)\n"
        "    print(name, time.time() - start)\n"
        "start = time.time()\n"
        "async def main():\n"
        "    jobs = [task('c', 70000), task('a', 59990), task('b', 60010), task('a2', 59990)]\n"
        "    await asyncio.gather(*jobs)\n"
        "    await asyncio.sleep(100000)\n"
        "asyncio.run(main())\n"
    )
    board = make_board(vm, firmware=firmware(source))
    board.power_on()
    board.run_until(START_S + 100)
    assert printed(board) == ["a 59", "a2 59", "b 60", "c 70"]


def test_waiting_cancelling_and_events_use_virtual_time(vm, make_board, firmware):
    source = BOOT + (
        "async def main():\n"
        "    t = time.time()\n"
        "    event = asyncio.Event()\n"
        "    async def later():\n"
        "        await asyncio.sleep(5)\n"
        "        event.set()\n"
        "    job = asyncio.create_task(later())\n"
        "    try:\n"
        "        await asyncio.wait_for(event.wait(), 3)\n"
        "    except asyncio.TimeoutError:\n"
        "        print('timeout', time.time() - t)\n"
        "    await event.wait()\n"
        "    print('event', time.time() - t, job.done())\n"
        "    job = asyncio.create_task(later())\n"
        "    await asyncio.sleep(1)\n"
        "    job.cancel()\n"
        "    try:\n"
        "        await job\n"
        "    except asyncio.CancelledError:\n"
        "        print('cancelled', time.time() - t)\n"
        "    time.sleep(2.5)\n"
        "    time.sleep_us(500000)\n"
        "    print('slept', time.time() - t)\n"
        "    await asyncio.sleep(100000)\n"
        "asyncio.run(main())\n"
    )
    board = make_board(vm, firmware=firmware(source))
    board.power_on()
    board.run_until(START_S + 60)
    assert printed(board) == ["timeout 3", "event 5 True", "cancelled 6", "slept 9"]


def test_months_pass_without_a_slip(vm64, make_board, firmware):
    source = BOOT + (
        "async def main():\n"
        "    while True:\n"
        "        await asyncio.sleep(86400)\n"
        "        print(time.time(), time.time_ns(), *time.gmtime()[:6])\n"
        "asyncio.run(main())\n"
    )
    board = make_board(vm64, firmware=firmware(source))
    board.power_on()
    board.run_until(START_S + 40 * 86400)
    last = START_S - EPOCH_2000_S + 40 * 86400
    assert len(printed(board)) == 40
    assert printed(board)[-1] == f"{last} {last * 10**9} 2026 2 10 0 0 0"


def test_the_rtc_is_set_at_power_on_or_begins_in_2000(vm, make_board, firmware):
    source = BOOT + "print(machine.RTC().datetime(), time.gmtime(0)[0])\n" + REST
    path = firmware(source)
    board = make_board(vm, firmware=path, start_s=START_S + 0.25)
    board.power_on()
    assert printed(board) == ["(2026, 1, 1, 3, 0, 0, 0, 250000) 2000"]
    unset = make_board(vm, firmware=path, rtc=False)
    unset.power_on()
    assert printed(unset) == ["(2000, 1, 1, 5, 0, 0, 0, 0) 2000"]


def test_the_firmware_can_set_its_clock(vm, make_board, firmware):
    source = BOOT + (
        "machine.RTC().datetime((2024, 2, 29, 0, 23, 59, 59, 900000))\n"
        "time.sleep_ms(200)\n"
        "print(machine.RTC().datetime(), time.localtime())\n" + REST
    )
    board = make_board(vm, firmware=firmware(source), rtc=False)
    board.power_on()
    board.run_until(START_S + 1)
    assert printed(board) == ["(2024, 3, 1, 4, 0, 0, 0, 100000) (2024, 3, 1, 0, 0, 0, 4, 61)"]


def test_a_reset_keeps_the_clock_and_costs_time(vm64, make_board, firmware):
    source = BOOT + (
        "import os\n"
        "print(machine.RTC().datetime())\n"
        "if 'again' not in os.listdir('/'):\n"
        "    open('/again', 'w').close()\n"
        "    machine.RTC().datetime((2030, 1, 1, 0, 0, 0, 0, 0))\n"
        "    time.sleep(10)\n"
        "    machine.reset()\n" + REST
    )
    board = make_board(vm64, firmware=firmware(source))
    board.power_on()
    board.run_until(START_S + 20)
    assert printed(board)[1] == "(2030, 1, 1, 1, 0, 0, 10, 500000)"


def test_endless_conversions_do_not_run_away_with_the_clock(vm64, make_board, firmware):
    source = BOOT + (
        "adc = machine.ADC(machine.Pin(34), atten=machine.ADC.ATTN_11DB)\n"
        "while True:\n"
        "    adc.read_uv()\n"
    )
    board = make_board(vm64, firmware=firmware(source))
    board.power_on()
    board.run_until(START_S + 60)
    assert 60 <= board.now_s - START_S <= 61.2


def test_an_adc_without_its_range_set_does_not_read(vm64, make_board, firmware):
    source = BOOT + (
        "adc = machine.ADC(machine.Pin(34))\n"
        "try:\n"
        "    adc.read_uv()\n"
        "except TypeError:\n"
        "    adc.atten(machine.ADC.ATTN_11DB)\n"
        "    print(*(0 < x for x in (adc.read(), adc.read_u16() - 4096, adc.read_uv() - 65536)))\n"
        + REST
    )
    board = make_board(vm64, firmware=firmware(source))
    board.power_on()
    assert printed(board) == ["True True True"]


def test_the_watchdog_bites(vm64, make_board, firmware):
    source = BOOT + (
        "print('boot')\n"
        "dog = machine.WDT(timeout=3000)\n"
        "for _ in range(3):\n"
        "    time.sleep(2)\n"
        "    dog.feed()\n"
        "time.sleep(60)\n"
    )
    board = make_board(vm64, firmware=firmware(source))
    board.power_on()
    board.run_until(START_S + 8.9)
    assert printed(board) == ["boot"]
    board.run_until(START_S + 10)
    assert printed(board) == ["boot", "boot"]
