"""One spelling for each value: base64url, hexadecimal, decimal; and the one rounding step."""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wattseal.errors import Malformed
from wattseal_host.encoding import (
    all_from_base64url,
    from_base64url,
    from_decimal,
    from_hex,
    to_base64url,
)
from wattseal_host.units import ROUNDING_MODES, Currency, Rounding, divide_rounded


@given(st.binary(max_size=70))
def test_base64url_has_one_spelling(data: bytes) -> None:
    text = to_base64url(data)
    assert from_base64url(text, "x") == data


@pytest.mark.parametrize(
    "text", ["A", "AB", "AAB", "AA==", "A A", "AA\n", "+/AA", "AA.A", "é", "AB=A"]
)
def test_base64url_refuses_every_other_spelling(text: str) -> None:
    # "AB" has spare bits set: "AA" would be the same byte.
    with pytest.raises(Malformed):
        from_base64url(text, "x")


@given(st.text("ABCwxyz019-_=+/ ", max_size=9))
def test_base64url_accepts_only_what_it_writes(text: str) -> None:
    try:
        data = from_base64url(text, "x")
    except Malformed:
        return
    assert to_base64url(data) == text


@example(["000="])
@example(["AAAA", "AA=="])
@given(
    st.lists(
        st.text("ABCwxyz019-_=+/ é", max_size=9) | st.binary(max_size=9).map(to_base64url),
        max_size=5,
    )
)
def test_many_texts_are_read_as_each_alone(texts: list[str]) -> None:
    def each() -> list[bytes]:
        return [from_base64url(text, f"x[{at}]") for at, text in enumerate(texts)]

    try:
        expected = each()
    except Malformed as error:
        with pytest.raises(Malformed) as caught:
            all_from_base64url(texts, "x")
        assert (caught.value.code, caught.value.detail) == (error.code, error.detail)
    else:
        assert all_from_base64url(texts, "x") == expected


@pytest.mark.parametrize("text", ["0A", "0", "000", " 00", "0x", "g0", "é0"])
def test_hexadecimal_is_lower_case_and_of_its_length(text: str) -> None:
    with pytest.raises(Malformed):
        from_hex(text, 1, "x")


@pytest.mark.parametrize(
    "text", ["", "-", "-0", "00", "01", "+1", " 1", "1 ", "1_0", "१", "9" * 81]
)
def test_decimal_has_one_spelling(text: str) -> None:
    with pytest.raises(Malformed):
        from_decimal(text, "x")


@given(st.integers(-(10**60), 10**60))
def test_decimal_reads_what_str_writes(value: int) -> None:
    assert from_decimal(str(value), "x") == value


ORACLE = {
    "half-even": ROUND_HALF_EVEN,
    "half-away-from-zero": ROUND_HALF_UP,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
    "towards-zero": ROUND_DOWN,
    "away-from-zero": ROUND_UP,
}


@given(st.integers(-10_000, 10_000), st.sampled_from(sorted(ORACLE)))
def test_rounding_is_decimals_own(thousandths: int, mode: str) -> None:
    expected = (Decimal(thousandths) / 1000).quantize(Decimal(1), rounding=ORACLE[mode])
    assert divide_rounded(thousandths, 1000, mode) == int(expected)


def test_ties_go_where_the_mode_says_for_credits_too() -> None:
    assert [divide_rounded(tie, 2, "half-up") for tie in (-3, -1, 1, 3)] == [-1, 0, 1, 2]
    assert [divide_rounded(tie, 2, "half-down") for tie in (-3, -1, 1, 3)] == [-2, -1, 0, 1]
    assert set(ROUNDING_MODES) == {*ORACLE, "half-up", "half-down"}


def test_rounding_to_steps_of_an_exact_amount() -> None:
    assert Rounding(5, "half-even").apply(Fraction(1_234_567, 10_000)) == 125
    assert Rounding(1, "half-even").apply(Fraction(-700)) == -700
    assert Currency("EUR", 2).major(-5) == "-0.05"
    assert Currency("JPY", 0).major(-5) == "-5"
