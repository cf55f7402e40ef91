"""`?openings` across epochs: what the port opens is the newest epoch's alone, wherever one asks."""

from meter_bench import START_S, Customer, board, pair
from wattseal.commitment import commit
from wattseal.keytree import BLOCK_RECORDS, blinding, block_key
from wattseal.p256 import decode_scalar, encode_point
from wattseal.record import EVENT, PAIRED
from wattseal_hil.loads import ConstantLoad

HOUR_S = 3600


def test_a_port_opens_the_newest_epoch_alone(tmp_path):
    with board(tmp_path, load=ConstantLoad(1000), start_s=START_S) as meter:
        meter.power_on()
        customer = Customer(meter)
        try:
            for count in (1, 2):
                meter.run_until(START_S + 2 * count * HOUR_S + 1000)
                _, _, epoch, secret = pair(meter, customer)
                assert epoch == count
                # Until the epoch begins the one before stays open.
                records = customer.records()
                lines = customer.ask(f"?openings {len(records) - 1} 1")
                assert lines[0].startswith(f"#opening {len(records) - 1} 0 ")
            meter.run_until(START_S + 6 * HOUR_S + 5)
            records = customer.records()
            begins = [record.seq for record in records if record.event == PAIRED]
            assert len(begins) == 2
            for record in records:
                answer = customer.ask(f"?openings {record.seq} 1")
                if record.epoch < 2:  # the event that ends an epoch is its last record
                    assert answer == ["#error opening-other-epoch"]
                elif record.kind == EVENT:
                    assert answer == [f"#end {record.seq + 1}"]
                else:
                    opened(answer, record, secret)
            # A stretch that begins in another epoch is refused whole, wherever it ends.
            for first in (begins[0] - 1, begins[0] + 1, begins[1] - 1, begins[1]):
                assert customer.ask(f"?openings {first} 100") == ["#error opening-other-epoch"]
            # One that begins behind the event that begins the epoch is all of the epoch.
            answer = customer.ask(f"?openings {begins[1] + 1} 100")
            rest = [record for record in records[begins[1] :] if record.channels]
            assert answer[-1] == f"#end {len(records)}" and len(answer) == len(rest) + 1 > 2
            for line, record in zip(answer[:-1], rest, strict=True):
                opened([line, f"#end {record.seq + 1}"], record, secret)
        finally:
            customer.close()


def opened(answer, record, secret):
    """Check the opening of a record of one channel against its commitment and the second epoch's
    secret."""
    word, seq, channel, value, flags, opening = answer[0].split()
    assert (word, int(seq), channel, flags) == ("#opening", record.seq, "0", "0")
    assert answer[1:] == [f"#end {record.seq + 1}"]
    scalar = decode_scalar(bytes.fromhex(opening))
    key = block_key(secret, record.meter, 2, record.seq // BLOCK_RECORDS)
    assert scalar == blinding(key, record.meter, record.boot, record.seq, 0)
    assert encode_point(commit(int(value), scalar)) == record.channels[0][0]
