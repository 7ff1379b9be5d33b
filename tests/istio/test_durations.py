"""Durations as Istio reads them."""

import pytest
from mesh_federation.mesh.istio.durations import nanoseconds


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("5s", 5_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("500ms", 500_000_000),
        ("1µs", 1_000),
        ("1us10ns", 1_010),
        ("-2s", -2_000_000_000),
        ("+2s", 2_000_000_000),
        ("0", 0),
    ],
)
def test_a_duration_has_a_length(text: str, length: int) -> None:
    assert nanoseconds(text) == length


@pytest.mark.parametrize("text", ["", "5", "s", ".s", "5 s", "1d", "five", "5S", "9999999h", "1s\n"])
def test_what_is_not_a_duration_has_none(text: str) -> None:
    assert nanoseconds(text) is None
