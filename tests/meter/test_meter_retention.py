"""Retention on the emulated board: what was collected is kept compact, and reads the same."""

from meter_bench import START_S, Customer, board
from raw_line import Line
from wattseal.record import meter_id
from wattseal_hil.loads import ConstantLoad
from wattseal_host.collect.utility import UtilityPort

INTERVAL_S = 60
COUNT = 200
SETTINGS = {"interval_s": INTERVAL_S, "channel_set": 3}


def through_both_ports(meter, count):
    customer = Customer(meter)
    lines = customer.ask(f"?history 0 {count}")
    customer.close()
    with UtilityPort(meter.utility_port) as port:
        files = list(port.fetch(0, count))
    return [bytes.fromhex(line.split()[2]) for line in lines[:-1]], files


def test_collected_records_are_compact_and_read_the_same_on_both_ports(tmp_path):
    load = ConstantLoad(2000)
    with board(tmp_path, load=load, start_s=START_S, settings=SETTINGS) as meter:
        meter.power_on()
        meter.run_until(START_S + COUNT * INTERVAL_S)
        with UtilityPort(meter.utility_port) as port:
            count = port.status().next_seq
            key = port.identity().key
            before = list(port.fetch(0, count))
            port.acknowledge(count)
        mark = b"\xc1" + meter_id(key)
        assert (tmp_path / "flash.bin").read_bytes().count(mark) == 0
        meter.run_until(START_S + (COUNT + 2) * INTERVAL_S)
        assert (tmp_path / "flash.bin").read_bytes().count(mark) == 2
        assert through_both_ports(meter, count) == (before, before)
        customer = Customer(meter)
        opened = customer.ask("?openings 3 2")
        assert [line.split()[:3] for line in opened[:-1]] == [
            ["#opening", str(seq), str(channel)] for seq in (3, 4) for channel in (0, 1)
        ]
        customer.close()
        with Line(meter) as line:
            # A part of a slot, and two slots in one request.
            slot = len(before[5]).to_bytes(2, "big") + before[5]
            part = line.ask(bytes.fromhex("1407060001025a0006"))
            assert part == bytes.fromhex("140e0d06") + slot[4:16]
        meter.power_off()
        meter.run_until(meter.now_s + 30)
        meter.power_on()
        assert through_both_ports(meter, count) == (before, before)
