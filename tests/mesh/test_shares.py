"""Weights as people read them: percent with two decimals."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh.shares import percentages

weights = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=12).filter(any)


def number(share: str) -> Decimal:
    value, unit = share.split(" ")
    assert unit == "%"
    assert len(value.partition(".")[2]) == 2
    return Decimal(value)


@given(weights)
def test_shares_add_up_to_exactly_100(stated: list[int]) -> None:
    assert sum(map(number, percentages(stated))) == Decimal("100.00")


@given(weights)
def test_each_share_is_less_than_a_hundredth_off(stated: list[int]) -> None:
    for weight, share in zip(stated, percentages(stated), strict=True):
        assert abs(Fraction(number(share)) - Fraction(100 * weight, sum(stated))) < Fraction(1, 100)


@given(weights)
def test_a_larger_weight_never_has_a_smaller_share(stated: list[int]) -> None:
    shares = sorted(zip(stated, map(number, percentages(stated)), strict=True))
    assert [share for _, share in shares] == sorted(share for _, share in shares)


@given(weights)
def test_weight_0_has_no_share(stated: list[int]) -> None:
    for weight, share in zip(stated, percentages(stated), strict=True):
        assert weight or share == "0.00 %"


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ([1], ["100.00 %"]),
        ([75, 15, 10], ["75.00 %", "15.00 %", "10.00 %"]),
        ([1, 1, 1], ["33.34 %", "33.33 %", "33.33 %"]),
        ([2, 1], ["66.67 %", "33.33 %"]),
        ([0, 3], ["0.00 %", "100.00 %"]),
        ([1, 999_999], ["0.00 %", "100.00 %"]),
        ([1, 0, 199], ["0.50 %", "0.00 %", "99.50 %"]),
    ],
)
def test_examples(stated: list[int], told: list[str]) -> None:
    assert percentages(stated) == told
