"""The bill message `wattseal-bill/1`: one byte string for each bill, and no byte of it is free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.month import Month
from hypothesis import given
from hypothesis import strategies as st
from wattseal.errors import Malformed, Misuse
from wattseal.p256 import N
from wattseal_host import bill_message
from wattseal_host.bill_message import BillMessage
from wattseal_host.errors import Unusable
from wattseal_host.ledger import Ledger
from wattseal_host.linear import MAX_FEE, LinearProof
from wattseal_host.provider.archive import Archive
from wattseal_host.provider.bills import check_bill, check_message
from wattseal_host.statement import Statement
from wattseal_host.units import Currency

KEY = b"\x02" + bytes(32)
U32 = st.integers(0, 2**32 - 1)
DIGEST = st.binary(min_size=32, max_size=32)
MESSAGES = st.builds(
    BillMessage,
    st.builds(
        Statement,
        contract=DIGEST,
        tariffs=st.tuples(DIGEST),
        meter=st.binary(min_size=16, max_size=16),
        key=st.just(KEY),
        from_s=U32,
        to_s=U32,
        before=DIGEST,
        last=DIGEST,
        currency=st.builds(Currency, st.sampled_from(["EUR", "GBP", "JPY"]), st.integers(0, 6)),
        amount=st.integers(-(2**127) + 1, 2**127 - 1),
    ),
    st.builds(LinearProof, st.integers(-MAX_FEE + 1, MAX_FEE - 1), st.integers(0, N - 1)),
)


@given(message=MESSAGES)
def test_written_and_read(message: BillMessage) -> None:
    data = message.write()
    assert len(data) == bill_message.BYTES <= 300
    assert bill_message.read(data, KEY) == message
    assert bill_message.read_meter(data) == message.statement.meter


@given(data=st.binary(min_size=236, max_size=236), currency=st.sampled_from([b"EUR\2", b"eur\2"]))
def test_whatever_reads_is_written_the_same(data: bytes, currency: bytes) -> None:
    whole = bytearray(bill_message.LABEL + data)
    whole[168:172] = currency
    try:
        message = bill_message.read(bytes(whole), KEY)
    except Malformed as error:
        assert error.code == "field-malformed"
    else:
        assert message.write() == bytes(whole)


@pytest.mark.parametrize(
    ("at", "value", "code"),
    [
        (168, b"e", "field-malformed"),
        (168, b"\xff", "field-malformed"),
        (171, b"\x07", "field-malformed"),
        (172, b"\x80" + bytes(15), "field-malformed"),
        (188, (MAX_FEE).to_bytes(32, "big"), "field-malformed"),
        (188, (-MAX_FEE).to_bytes(32, "big", signed=True), "field-malformed"),
        (220, N.to_bytes(32, "big"), "field-malformed"),
    ],
)
@given(message=MESSAGES)
def test_fields_out_of_range(message: BillMessage, at: int, value: bytes, code: str) -> None:
    data = bytearray(message.write())
    data[at : at + len(value)] = value
    with pytest.raises(Malformed) as caught:
        bill_message.read(bytes(data), KEY)
    assert caught.value.code == code


@given(message=MESSAGES)
def test_lengths_and_labels(message: BillMessage) -> None:
    data = message.write()
    for other in (data[:-1], data + b"\0", data[:16]):
        with pytest.raises(Malformed, match="bill-length"):
            bill_message.read(other, KEY)
    for other in (b"", data[1:], b"wattseal-bill/3\0" + data[16:]):
        with pytest.raises(Unusable, match="not-a-bill"):
            bill_message.read(other, KEY)


@given(message=MESSAGES)
def test_what_does_not_fit_is_not_written(message: BillMessage) -> None:
    said = message.statement
    for other in (replace(said, amount=1 << 127), replace(said, tariffs=said.tariffs * 2)):
        with pytest.raises(Misuse, match="bill-range"):
            replace(message, statement=other).write()


def test_every_byte_counts(tmp_path: Path) -> None:
    month = Month(tmp_path, 24)
    bundle = month.bill(month.time_of_use, consent=True).bundle
    data = BillMessage(bundle.statement, bundle.proof).write()
    archive = Archive(month.office.directory, month.office.public)
    with Ledger(month.ledger_file) as ledger:
        assert check_message(data, archive, ledger).accepted
        for at in range(len(data)):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            if at < len(bill_message.LABEL):
                with pytest.raises(Unusable):
                    check_message(changed, archive, ledger)
            else:
                assert not check_message(changed, archive, ledger).accepted, at


def test_an_event_at_the_periods_end_is_the_next_ones(tmp_path: Path) -> None:
    month = Month(tmp_path, 24)
    bundle = month.bill(month.time_of_use, consent=True).bundle
    data = BillMessage(bundle.statement, bundle.proof).write()
    archive = Archive(month.office.directory, month.office.public)
    with Ledger(month.ledger_file) as ledger:
        held = len(month.meter.sealed)
        month.meter.paired().reading(7)
        ledger.append(month.meter.meter, month.meter.sealed[held:], "utility")
        assert check_message(data, archive, ledger).code == "accepted"
        assert check_bill(bundle.write(), month.trust, ledger).code == "accepted"
