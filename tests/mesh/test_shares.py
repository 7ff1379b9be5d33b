"""Weights as people read them: percent with two decimals."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh.shares import percentages, spread

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
    ("weights", "percents"),
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
def test_examples(weights: list[int], percents: list[str]) -> None:
    assert percentages(weights) == percents


groups = st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 12)), min_size=1, max_size=5)


@given(groups)
def test_the_members_of_groups_have_the_exact_proportion_of_the_groups(stated: list[tuple[int, int]]) -> None:
    totals = [weight * size for weight, (_, size) in zip(spread(stated), stated, strict=True)]
    whole = sum(weight for weight, _ in stated)
    assert [Fraction(total, sum(totals)) for total in totals] == [Fraction(weight, whole) for weight, _ in stated]


@pytest.mark.parametrize(
    ("stated", "weights"),
    [
        ([], []),
        ([(7, 3)], [1]),
        ([(90, 1), (10, 1)], [9, 1]),
        ([(90, 2), (10, 3)], [27, 2]),
        ([(2, 2), (3, 3)], [1, 1]),
    ],
)
def test_weights_of_members_are_the_smallest_integers(stated: list[tuple[int, int]], weights: list[int]) -> None:
    assert spread(stated) == weights
