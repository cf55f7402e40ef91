"""The price list on the flash: what is taken for one, and how it is read."""

import pytest
from meter.price_list import HEAD, PriceList
from meter.prices import NEW, check
from wattseal.errors import Malformed

FROM_S, UNTIL_S = 1_774_652_400, 1_777_244_400
OFFSETS = ((FROM_S, 60), (FROM_S + 93_600, 120))
ENTRIES = ((FROM_S, 300), (FROM_S + 3600, -20), (FROM_S + 7200, 2**31 - 1))


class Flash:
    def __init__(self, data):
        self.data = data

    def read_at(self, name, offset, length):
        assert name == NEW
        return self.data[offset : offset + length]


def listed(version=1, ways=1, currency=b"EUR", scale=9, from_s=FROM_S, until_s=UNTIL_S,
           standing=-5, offsets=OFFSETS, entries=ENTRIES):  # fmt: skip
    def signed(value, size):
        return value.to_bytes(size, "big", signed=True)

    return b"".join(
        [
            bytes([version, ways]), currency, bytes([scale]), from_s.to_bytes(4, "big"),
            until_s.to_bytes(4, "big"), signed(standing, 6), bytes([len(offsets)]),
            len(entries).to_bytes(2, "big"),
            *(since_s.to_bytes(4, "big") + signed(minutes, 2) for since_s, minutes in offsets),
            *(since_s.to_bytes(4, "big") + signed(price, 4) * ways for since_s, price in entries),
        ]
    )  # fmt: skip


def checked(data):
    check(Flash(data), NEW, len(data))
    return PriceList(Flash(data), NEW, 0, data[:HEAD])


@pytest.mark.parametrize("ways", [1, 2])
def test_a_list_is_read(ways):
    prices = checked(listed(ways=ways))
    assert (prices.currency, prices.scale, prices.standing) == ("EUR", 9, -5)
    assert (prices.from_s, prices.until_s, prices.count) == (FROM_S, UNTIL_S, 3)
    read = [prices.entry(number) for number in range(3)]
    assert read == [(since_s, [price] * ways) for since_s, price in ENTRIES]
    assert prices.offset_s(FROM_S - 10**6) == prices.offset_s(OFFSETS[1][0] - 1) == 3600
    assert prices.offset_s(OFFSETS[1][0]) == prices.offset_s(UNTIL_S) == 7200


@pytest.mark.parametrize(
    "data",
    [
        b"", listed()[:22], listed()[:-1], listed() + b"\0", listed(version=2), listed(ways=3),
        listed(ways=0), listed(scale=19), listed(currency=b"E\0R"), listed(currency=b"E R"),
        listed(until_s=FROM_S), listed(offsets=()), listed(entries=()),
        listed(entries=((FROM_S + 1, 3),)), listed(entries=((FROM_S, 3), (FROM_S, 4))),
        listed(entries=((FROM_S, 3), (UNTIL_S, 4))),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused(data):
    with pytest.raises(Malformed) as caught:
        checked(data)
    assert caught.value.code == "price-list"
