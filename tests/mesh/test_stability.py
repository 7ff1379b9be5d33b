"""For every spec, order never shows, nothing is null, and an edit changes only what mentions it."""

import copy
import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.given import core
from tests.given.language import federations, reordered, standing_in
from tests.given.specs import Spec, gateways_of
from tests.given.strategies import reference, shuffled, specs
from tests.given.translations import Object, Translation, all_translations, translate

# -- order, nulls, independence ----------------------------------------------------------------------------------


def everything_of(spec: Spec) -> str:
    """All that a spec leads to, to the byte; keys in the order in which they would be written."""
    translation = translate(spec)
    edges = [(e.client, e.serving, sorted(e.needs), sorted(e.routes)) for e in translation.plan.edges]
    return json.dumps([translation.objects, edges, core.outputs_of(core.read(spec)), translation.addresses])


@given(specs(), st.integers())
def test_the_order_of_the_input_never_shows(spec: Spec, seed: int) -> None:
    assert everything_of(shuffled(spec, Random(seed))) == everything_of(spec)


@given(st.one_of(federations(), standing_in()), st.integers())
def test_of_the_whole_language_only_the_order_of_rules_entries_and_matches_shows(spec: Spec, seed: int) -> None:
    assert everything_of(reordered(spec, Random(seed))) == everything_of(spec)


@given(specs(), st.integers())
def test_of_a_gateways_addresses_only_the_order_of_endpoints_shows(spec: Spec, seed: int) -> None:
    other = shuffled(spec, Random(seed), keep=())

    before, after = translate(spec), translate(other)

    for translation in (before, after):
        for _, manifest in translation.everything:
            manifest["spec"].get("endpoints", []).sort(key=lambda endpoint: str(endpoint["address"]))
    assert json.dumps(after.objects) == json.dumps(before.objects)


@given(specs())
def test_parsing_and_planning_leave_the_input_as_it_was(spec: Spec) -> None:
    before = copy.deepcopy(spec)

    translate(spec)

    assert spec == before


def parts(value: Any) -> Iterator[Any]:
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(item)


@given(all_translations)
def test_no_null_and_nothing_empty(translation: Translation) -> None:
    for _, manifest in translation.everything:
        for part in parts(without_conditions(manifest)):
            assert part is not None
            assert part not in ({}, [], "")


def without_conditions(value: Any) -> Any:
    """The object, but for matches: there `{}` means that a header is present."""
    if isinstance(value, dict):
        return {key: without_conditions(item) for key, item in value.items() if key != "match"}
    return [without_conditions(item) for item in value] if isinstance(value, list) else value


@given(all_translations)
def test_no_two_manifests_share_a_part(translation: Translation) -> None:
    mutable = [
        part for _, manifest in translation.everything for part in parts(manifest) if isinstance(part, dict | list)
    ]
    assert len({id(part) for part in mutable}) == len(mutable)
    text = yaml.safe_dump_all([manifest for _, manifest in translation.everything])
    assert "&id" not in text


@given(all_translations)
def test_objects_hold_no_part_of_the_input(translation: Translation) -> None:
    given_parts = {id(part) for part in parts(translation.spec) if isinstance(part, dict | list)}
    assert not any(id(part) in given_parts for _, manifest in translation.everything for part in parts(manifest))


# -- adding and removing -----------------------------------------------------------------------------------------


def new_cluster_in(spec: Spec, index: int) -> Spec:
    """The same spec, and a cluster `fresh` that runs the service of the rule `index` and takes some of its calls."""
    larger = copy.deepcopy(spec)
    larger["clusters"]["fresh"] = {"context": "fresh", "gateway": {"addresses": ["203.0.113.99"]}}
    rule = larger["traffic"][index]
    [service] = [s for s in larger["services"] if reference(s) == rule["service"]]
    service["clusters"]["fresh"] = {"versions": ["v1"], "serviceAccounts": ["default"]}
    add_destination(rule, {"cluster": "fresh", "version": "v1"})
    return larger


def new_service_in(spec: Spec, index: int) -> Spec:
    """The same spec, and a service `fresh.fresh`: with a rule of its own, and a share of the calls of rule `index`."""
    larger = copy.deepcopy(spec)
    rule = larger["traffic"][index]
    runs_on = rule["clients"]["clusters"][0]
    if not gateways_of(larger["clusters"][runs_on]):
        larger["clusters"][runs_on]["gateway"] = {"addresses": ["203.0.113.99"]}
    larger["services"].append(
        {
            "name": "fresh",
            "namespace": "fresh",
            "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}],
            "clusters": {runs_on: {"versions": ["v1"], "serviceAccounts": ["default"]}},
            "importedBy": [cluster for cluster in larger["clusters"] if cluster != runs_on],
        }
    )
    route = [{"cluster": runs_on, "version": "v1"}]
    larger["traffic"].append({"service": "fresh.fresh", "clients": {"clusters": [runs_on]}, "http": [{"route": route}]})
    add_destination(rule, {"cluster": runs_on, "service": "fresh.fresh", "version": "v1", "port": 80})
    return larger


def add_destination(rule: Spec, destination: Spec) -> None:
    route = rule["http"][0]["route"]
    if len(route) == 1:
        route[0]["weight"] = 1
    route.append({**destination, "weight": 1})


def differences(smaller: Spec, larger: Spec) -> tuple[dict[str, Object], dict[str, Object]]:
    """(objects that only the larger spec has, objects that differ, as the larger has them); none may be missing."""
    before, after = translate(smaller).keys(), translate(larger).keys()
    assert before.keys() <= after.keys()
    added = {k: manifest for k, manifest in after.items() if k not in before}
    changed = {k: manifest for k, manifest in after.items() if k in before and manifest != before[k]}
    return added, changed


# an address that a host holds never moves, and test_addresses.py says so: here every host has one by its name alone
with_rules = specs().filter(lambda spec: bool(spec["traffic"])).map(lambda spec: {**spec, "addresses": {}})


@given(with_rules, st.data())
def test_a_cluster_adds_and_changes_only_objects_that_mention_it(spec: Spec, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(spec["traffic"]) - 1))
    rule = spec["traffic"][index]

    added, changed = differences(spec, new_cluster_in(spec, index))

    mentions = re.compile(r"\.fresh\.(global|x-)")
    assert all(k.startswith("fresh/") or mentions.search(k) for k in added)
    name, namespace = rule["service"].split(".")
    assert set(changed) == {f"{client}/VirtualService/{namespace}/{name}" for client in rule["clients"]["clusters"]}
    assert all(mentions.search(json.dumps(manifest)) for manifest in changed.values())
    assert "fresh" not in json.dumps(translate(spec).objects)


@given(with_rules, st.data())
def test_a_service_adds_and_changes_only_objects_that_mention_it(spec: Spec, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(spec["traffic"]) - 1))
    rule = spec["traffic"][index]

    added, changed = differences(spec, new_service_in(spec, index))

    assert all("fresh" in k for k in added)
    name, namespace = rule["service"].split(".")
    assert set(changed) == {f"{client}/VirtualService/{namespace}/{name}" for client in rule["clients"]["clusters"]}
    assert all("fresh" in json.dumps(manifest) for manifest in changed.values())


@given(with_rules, st.data())
def test_weights_change_nothing_but_the_virtual_services_of_their_rule(spec: Spec, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(spec["traffic"]) - 1))
    edited = copy.deepcopy(spec)
    rule = edited["traffic"][index]
    for destination in rule["http"][0]["route"]:
        destination["weight"] = destination.get("weight", 0) + 1

    added, changed = differences(spec, edited)

    name, namespace = rule["service"].split(".")
    assert not added
    assert {f"{client}/VirtualService/{namespace}/{name}" for client in rule["clients"]["clusters"]} >= set(changed)
    assert len(rule["http"][0]["route"]) == 1 or changed
