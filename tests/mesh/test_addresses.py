"""Addresses over many updates, in a pool nearly as small as the sets of hosts: there, everything meets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh.addresses import AllocationError, Ledger, allocate

POOL = IPv4Network("240.0.0.0/28")  # 14 usable addresses
USABLE = {str(address) for address in POOL.hosts()}
HOSTS = [f"{letter}.global" for letter in "abcdefghijkl"]

hosts = st.sets(st.sampled_from(HOSTS), max_size=8)
updates = st.lists(hosts, min_size=2, max_size=10)


def run(steps: Sequence[set[str]], held: Ledger | None = None) -> list[Ledger]:
    """The ledgers after each update; an update that the pool is too small for changes nothing, and is left out."""
    ledgers = [held or Ledger()]
    for wanted in steps:
        try:
            ledgers.append(allocate(wanted, POOL, ledgers[-1]))
        except AllocationError:
            continue
    return ledgers


@given(updates)
def test_every_host_has_an_address_of_the_pool_and_no_two_share_one(steps: list[set[str]]) -> None:
    for ledger in run(steps):
        given_out = list(ledger.addresses.values())
        assert len(given_out) == len(set(given_out))
        assert set(given_out) <= USABLE


@given(hosts, hosts)
def test_exactly_the_wanted_hosts_have_an_address(before: set[str], after: set[str]) -> None:
    first = allocate(before, POOL, Ledger())

    if len(before | after) <= 14:
        assert set(allocate(after, POOL, first).addresses) == after


@given(updates)
def test_a_host_that_stays_keeps_its_address(steps: list[set[str]]) -> None:
    ledgers = run(steps)

    for before, now in pairwise(ledgers):
        for host in before.addresses.keys() & now.addresses.keys():
            assert now.addresses[host] == before.addresses[host]


@given(updates)
def test_no_address_is_reused_in_the_update_that_frees_it_nor_in_the_next(steps: list[set[str]]) -> None:
    ledgers = run(steps)

    for index, now in enumerate(ledgers):
        for earlier in ledgers[max(index - 2, 0) : index]:
            for host, address in now.addresses.items():
                holders = {h for h, a in earlier.addresses.items() if a == address}
                assert holders <= {host}


@given(updates)
def test_a_used_address_comes_back_only_when_no_unused_one_is_left(steps: list[set[str]]) -> None:
    used: set[str] = set()
    for before, now in pairwise(run(steps)):
        used |= set(before.addresses.values())
        new = {now.addresses[host] for host in now.addresses.keys() - before.addresses.keys()}
        if new & used:
            assert used | new == USABLE


@given(updates)
def test_the_address_given_up_longest_ago_comes_back_first(steps: list[set[str]]) -> None:
    freed_at: dict[str, int] = {}
    ledgers = run(steps)
    for index, (before, now) in enumerate(pairwise(ledgers)):
        given_out = set(now.addresses.values())
        back = {a for a in given_out - set(before.addresses.values()) if a in freed_at}
        still_free = {
            address
            for address, since in freed_at.items()
            if address not in given_out and since < index - 1  # what rests may not come back yet
        }
        for address in back:
            assert all(freed_at[address] <= freed_at[other] for other in still_free)
        freed_at |= dict.fromkeys(set(before.addresses.values()) - given_out, index)
        freed_at = {address: since for address, since in freed_at.items() if address not in given_out}


@given(updates)
def test_what_is_freed_is_remembered_and_what_rests_was_freed_by_this_update(steps: list[set[str]]) -> None:
    ledgers = run(steps)
    ever: set[str] = set()
    for before, now in pairwise(ledgers):
        ever |= set(now.addresses.values())
        assert set(now.freed) == ever - set(now.addresses.values())
        assert len(now.freed) == len(set(now.freed))
        assert set(now.resting) == set(before.addresses.values()) - set(now.addresses.values())


@given(updates, st.integers())
def test_is_a_pure_function_in_which_order_does_not_matter(steps: list[set[str]], seed: int) -> None:
    last = run(steps)[-1]
    wanted = sorted(steps[-1])
    Random(seed).shuffle(wanted)
    items = list(last.addresses.items())
    Random(seed).shuffle(items)
    other = replace(last, addresses=dict(items))

    assert allocate_or_fail(wanted, other) == allocate_or_fail(sorted(wanted), last)
    assert dict(items) == last.addresses


def allocate_or_fail(wanted: Sequence[str], held: Ledger) -> tuple[list[tuple[str, str]], Ledger] | str:
    """With the order of the answer, which is in the state that people read."""
    try:
        ledger = allocate(wanted, POOL, held)
    except AllocationError as error:
        return str(error)
    return list(ledger.addresses.items()), ledger


@given(updates)
def test_repeating_an_update_moves_nothing(steps: list[set[str]]) -> None:
    last = run(steps)[-1]

    again = allocate(last.addresses.keys(), POOL, last)

    assert again.addresses == last.addresses
    assert again.freed == last.freed
    assert again.resting == ()


@given(st.sets(st.from_regex(r"[a-z]{1,8}\.global", fullmatch=True), min_size=1, max_size=30))
def test_a_lost_state_gives_nearly_every_host_its_address_again(names: set[str]) -> None:
    pool = IPv4Network("240.0.0.0/12")
    ledger = Ledger()
    for name in sorted(names, reverse=True):
        ledger = allocate([*ledger.addresses, name], pool, ledger)

    lost = allocate(names, pool, Ledger())

    moved = {name for name in names if lost.addresses[name] != ledger.addresses[name]}
    assert len(moved) <= 2


# -- pins --------------------------------------------------------------------------------------------------------


@given(updates, st.dictionaries(st.sampled_from(HOSTS), st.sampled_from(sorted(USABLE)), max_size=4))
def test_a_pinned_host_has_its_address_or_nothing_happens(steps: list[set[str]], pins: Mapping[str, str]) -> None:
    ledger = run(steps[:-1])[-1]
    try:
        now = allocate(steps[-1], POOL, ledger, pins=pins)
    except AllocationError:
        return
    assert {h: now.addresses[h] for h in pins.keys() & steps[-1]} == {h: pins[h] for h in pins.keys() & steps[-1]}
    assert len(set(now.addresses.values())) == len(now.addresses)
    for host in ledger.addresses.keys() & now.addresses.keys() - pins.keys():
        assert now.addresses[host] == ledger.addresses[host]
    assert not set(ledger.resting) & {a for h, a in now.addresses.items() if ledger.addresses.get(h) != a}


def test_a_pin_adopts_an_address() -> None:
    assert allocate(["a.global"], POOL, Ledger(), pins={"a.global": "240.0.0.9"}).addresses == {"a.global": "240.0.0.9"}


def test_a_new_host_keeps_off_a_pinned_address() -> None:
    [taken] = allocate(["a.global"], POOL, Ledger()).addresses.values()

    ledger = allocate(["a.global", "b.global"], POOL, Ledger(), pins={"b.global": taken})

    assert ledger.addresses["b.global"] == taken
    assert ledger.addresses["a.global"] != taken


def test_a_pin_moves_a_host_and_frees_what_it_held() -> None:
    held = Ledger({"a.global": "240.0.0.3"})

    ledger = allocate(["a.global"], POOL, held, pins={"a.global": "240.0.0.9"})

    assert ledger == Ledger({"a.global": "240.0.0.9"}, freed=("240.0.0.3",), resting=("240.0.0.3",))


def test_a_pin_may_take_an_address_that_has_rested() -> None:
    held = Ledger({}, freed=("240.0.0.3",))

    ledger = allocate(["a.global"], POOL, held, pins={"a.global": "240.0.0.3"})

    assert ledger == Ledger({"a.global": "240.0.0.3"})


def test_a_pin_for_a_host_that_is_gone_means_nothing() -> None:
    assert allocate([], POOL, Ledger(), pins={"a.global": "10.0.0.1"}) == Ledger()


@pytest.mark.parametrize(
    ("held", "pins", "message"),
    [
        (Ledger(), {"a.global": "10.0.0.1"}, "10.0.0.1, pinned to a.global, is outside the pool 240.0.0.0/28 or taken"),
        (Ledger(), {"a.global": "240.0.0.0"}, "240.0.0.0, pinned to a.global, is outside the pool"),
        (Ledger(), {"a.global": "240.0.0.15"}, "240.0.0.15, pinned to a.global, is outside the pool"),
        (
            Ledger(),
            {"a.global": "240.0.0.4"},
            "240.0.0.4, pinned to a.global, is outside the pool 240.0.0.0/28 or taken",
        ),
        (
            Ledger({"b.global": "240.0.0.9"}),
            {"a.global": "240.0.0.9"},
            "240.0.0.9, pinned to a.global, is held by b.global; pin a free address, or move b.global first",
        ),
        (
            Ledger(),
            {"a.global": "240.0.0.9", "b.global": "240.0.0.9"},
            "240.0.0.9, pinned to b.global, is held by a.global",
        ),
        (Ledger({"z.global": "240.0.0.9"}), {"a.global": "240.0.0.9"}, "240.0.0.9, pinned to a.global, was given up"),
        (Ledger({}, ("240.0.0.9",), ("240.0.0.9",)), {"a.global": "240.0.0.9"}, "240.0.0.9, pinned to a.global, was"),
    ],
)
def test_a_pin_that_cannot_be_is_refused_by_name(held: Ledger, pins: Mapping[str, str], message: str) -> None:
    with pytest.raises(AllocationError) as caught:
        allocate(["a.global", "b.global"], POOL, held, pins=pins, taken=[IPv4Network("240.0.0.4/32")])
    assert message in str(caught.value)


# -- the pool ----------------------------------------------------------------------------------------------------


def test_a_full_pool_names_the_host_that_got_nothing_and_what_to_do() -> None:
    with pytest.raises(AllocationError, match=r"no free address in 240\.0\.0\.0/30 for c: widen the pool$"):
        allocate(["a", "b", "c"], IPv4Network("240.0.0.0/30"), Ledger())


def test_a_swap_in_a_full_pool_takes_one_update_more() -> None:
    pool = IPv4Network("240.0.0.0/30")
    full = allocate(["a", "b"], pool, Ledger())

    with pytest.raises(
        AllocationError, match="1 given up by this update or the last can be used in the second after it"
    ):
        allocate(["a", "c"], pool, full)

    without = allocate(["a"], pool, full)
    with pytest.raises(AllocationError, match="in the second after it"):
        allocate(["a", "c"], pool, without)
    rested = allocate(["a"], pool, without)
    assert allocate(["a", "c"], pool, rested).addresses["c"] == full.addresses["b"]


@pytest.mark.parametrize("pool", ["240.0.0.0/31", "240.0.0.0/32", "2001:db8::/128"])
def test_a_pool_without_usable_addresses_is_exhausted_at_once(pool: str) -> None:
    network = IPv6Network(pool) if ":" in pool else IPv4Network(pool)
    with pytest.raises(AllocationError, match="no free address"):
        allocate(["a"], network, Ledger())


@given(hosts, st.sampled_from(["240.0.0.0/29", "240.0.0.8/29", "240.0.1.0/28"]))
def test_in_another_pool_only_those_outside_it_move(names: set[str], other: str) -> None:
    before = allocate(names, POOL, Ledger())
    pool = IPv4Network(other)
    inside = {h: a for h, a in before.addresses.items() if IPv4Address(a) in list(pool.hosts())}
    try:
        now = allocate(names, pool, before)
    except AllocationError:
        assert len(names) + len(before.addresses) > pool.num_addresses - 2
        return
    assert all(IPv4Address(address) in pool for address in now.addresses.values())
    assert {h: now.addresses[h] for h in inside} == inside
    assert set(now.resting) == set(before.addresses.values()) - set(inside.values())


@given(updates, st.sampled_from(["240.0.0.0/29", "240.0.0.4/30", "240.0.0.9/32"]))
def test_what_others_take_is_never_given_out(steps: list[set[str]], taken: str) -> None:
    ledger = run(steps[:-1])[-1]
    network = IPv4Network(taken)
    try:
        now = allocate(steps[-1], POOL, ledger, taken=[network, IPv4Network("10.0.0.0/8")])
    except AllocationError:
        return
    assert not any(IPv4Address(address) in network for address in now.addresses.values())
    for host in ledger.addresses.keys() & now.addresses.keys():
        stays = IPv4Address(ledger.addresses[host]) not in network
        assert (now.addresses[host] == ledger.addresses[host]) == stays


def test_neither_the_network_nor_the_broadcast_address_is_given_out() -> None:
    names = [f"{number}.global" for number in range(14)]
    assert set(allocate(names, POOL, Ledger()).addresses.values()) == USABLE


def test_an_ipv6_pool_gives_ipv6_addresses() -> None:
    addresses = allocate(["a", "b"], IPv6Network("fd00::/64"), Ledger()).addresses
    assert all(address.startswith("fd00::") for address in addresses.values())
    assert len(set(addresses.values())) == 2
