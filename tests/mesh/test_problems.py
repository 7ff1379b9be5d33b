"""What a user is told of a spec that is wrong. What is told of each mistake is in tests/broken."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh.errors import SpecError

from tests.given import core
from tests.given.specs import Spec, with_value
from tests.given.strategies import specs


def test_a_message_says_where_and_what_and_what_would_be_right() -> None:
    assert core.messages(with_value("traffic.0.http.0.route.1.version", "v4")) == [
        "traffic[0].http[0].route[1].version: reviews on cluster1 has no version 'v4'; it has v1, v2"
    ]


@pytest.mark.parametrize("value", [None, [], "x", 3, {"clusters": {}}, {"clusters": []}, {"clusters": {"a": None}}])
def test_what_is_not_a_spec_at_all_is_refused_with_a_path(value: Any) -> None:
    spec = value if isinstance(value, dict) else {"clusters": value}
    assert all(message.startswith("clusters") for message in core.messages(spec))


@given(specs(), st.data())
def test_a_key_that_is_missing_or_odd_never_crashes(spec: Spec, data: st.DataObject) -> None:
    """Whatever a user writes, there is a federation or a list of problems."""
    places = list(mutable_places(spec))
    part, key = data.draw(st.sampled_from(places))
    odd = data.draw(st.sampled_from([None, -1, "", "x", "X Y", [], {}, [None], {"x": 1}, 1.5, True, "remove"]))
    if odd == "remove":
        del part[key]
    else:
        part[key] = odd
    with suppress(SpecError):
        core.read(spec)


def mutable_places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key or index) of everything in a spec."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in mutable_places(value[key])]
