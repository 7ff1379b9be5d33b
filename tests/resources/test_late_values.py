"""Values that are outputs of other resources, at every place of a spec that a scenario states."""

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from tests.given.registration import ENTRY, ROUTE, Args, bookinfo, register
from tests.given.scenarios import SCENARIOS, spec_of, title

OF_STACK_FILES = ("context", "identity", "kubeconfig", "renderTo")
Place = tuple[str | int, ...]
SUBJECTS = {"services", "traffic"}
"""Addresses of gateways, which are all that may be late beside these, have tests of their own."""


def test_an_output_is_refused_at_its_place_or_changes_no_object(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", warnings.append)
    monkeypatch.setattr(pulumi.Output, "__str__", never_text)
    wrong = []
    tried: set[Place] = set()
    for scenario in SCENARIOS:
        args = args_of(spec_of(scenario))
        objects = objects_with(args)
        for path in places(args, tried):
            try:
                late = objects_with(args, path)
            except pulumi.RunError as refusal:
                if f"{spelt(path)}: an output " not in str(refusal):
                    wrong.append(f"{title(scenario)}: {spelt(path)}: {refusal}")
            else:
                if late != objects:
                    wrong.append(f"{title(scenario)}: {spelt(path)} changes an object")
    assert wrong == []
    assert len(tried) > 200
    assert not [warning for warning in warnings if " at 0x" in warning]


def never_text(_output: Any) -> str:
    raise AssertionError("an output is made text, and the SDK reproaches the user with it")


SEVERAL = "stands for several values; state these, of which each may be an output"


@pytest.mark.parametrize(
    ("field", "value", "path", "why"),
    [
        ("match", [{"uri": {"exact": "/"}}], "match", SEVERAL),
        ("retries", {"attempts": 2}, "retries", SEVERAL),
        ("headers", {"request": {"set": {"x": "1"}}}, "headers", SEVERAL),
    ],
)
def test_what_a_plan_has_to_know_is_no_output(field: str, value: Any, path: str, why: str) -> None:
    def put(args: Args) -> None:
        args["traffic"][0]["http"][0][field] = pulumi.Output.from_input(value)

    with pytest.raises(pulumi.RunError, match=rf"traffic\[0\]\.http\[0\]\.{path}: an output {why}"):
        register(bookinfo(), late=put)


def test_a_header_may_have_any_name_and_its_value_may_be_an_output() -> None:
    """Such as the name of a field that decides which entry answers."""
    match = {"headers": {"port": {"exact": "1"}}, "queryParams": {"gateways": {"exact": "2"}}}

    def put(args: Args) -> None:
        late = {
            field: {name: {"exact": pulumi.Output.from_input(condition["exact"])} for name, condition in of.items()}
            for field, of in match.items()
        }
        args["traffic"][0]["http"] = [{**args["traffic"][0]["http"][0], "match": [late]}]

    [entry, _] = register(bookinfo(), late=put).inputs[ROUTE]["spec"]["http"]
    assert entry["match"] == [{**match, "port": 9080}]


def test_the_share_of_a_copy_may_be_an_output_and_is_told_once_it_is_known() -> None:
    def put(args: Args) -> None:
        percentage = {"value": pulumi.Output.from_input(12.5)}
        mirror = {"cluster": "cluster2", "version": "v3", "percentage": percentage}
        args["traffic"][0]["http"][0]["mirrors"] = [mirror]

    engine = register(bookinfo(), late=put)

    [entry] = engine.inputs[ROUTE]["spec"]["http"]
    assert entry["mirrors"][0]["percentage"] == {"value": 12.5}
    assert engine.inputs["outputs"]["traffic"]["cluster1"]["reviews.default"]["copy: v3 on cluster2"] == "12.50 %"


def test_a_late_gateway_address_may_be_of_any_family_and_is_never_made_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "true")
    args = bookinfo()
    args["clusters"]["cluster1"]["ipFamilies"] = ["IPv4"]

    def put(stated: Args) -> None:
        stated["clusters"]["cluster2"]["gateway"]["addresses"] = [pulumi.Output.from_input("192.0.2.20")]

    engine = register(args, late=put)

    [endpoint] = engine.inputs[ENTRY]["spec"]["endpoints"]
    assert endpoint["address"] == "192.0.2.20"


@pytest.mark.parametrize("value", [None, [1], "many", 150, True])
def test_the_share_of_a_copy_that_turns_out_to_be_none_is_refused_and_not_shown(value: Any) -> None:
    def put(args: Args) -> None:
        mirror = {"cluster": "cluster2", "version": "v3", "percentage": {"value": pulumi.Output.secret(value)}}
        args["traffic"][0]["http"][0]["mirrors"] = [mirror]

    with pytest.raises(pulumi.RunError, match=r"^the percentage of a mirror, which is an output, is not a number"):
        register(bookinfo(), late=put)


def test_a_secret_address_that_is_none_is_not_shown() -> None:
    def put(args: Args) -> None:
        args["clusters"]["cluster2"]["gateway"]["addresses"] = [pulumi.Output.secret("hush hush")]

    with pytest.raises(pulumi.RunError, match=r"addresses\[0\]: a secret is neither an IP address nor a DNS name"):
        register(bookinfo(), late=put)


def args_of(spec: Args) -> Args:
    """The spec as a program states it, which gives each cluster a provider."""
    clusters = {
        name: {key: value for key, value in cluster.items() if key not in OF_STACK_FILES}
        for name, cluster in spec["clusters"].items()
    }
    return {**spec, "clusters": clusters}


def places(args: Args, tried: set[Place]) -> Iterator[Place]:
    """One of each kind that is not `tried`: places that differ by numbers and names of clusters alone are of one."""
    for subject in sorted(args.keys() & SUBJECTS):
        yield from below(args[subject], (subject,), set(args["clusters"]), tried)


def below(value: Any, path: Place, clusters: set[str], tried: set[Place]) -> Iterator[Place]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        here = (*path, step)
        kind = tuple("*" if isinstance(step, int) or step in clusters else step for step in here)
        if kind not in tried:
            tried.add(kind)
            yield here
        yield from below(item, here, clusters, tried)


def objects_with(args: Args, late: Place | None = None) -> dict[str, Any]:
    """What is registered where the value at a place is an output."""

    def put(stated: Args) -> None:
        *before, last = late or ()
        around: Any = stated
        for step in before:
            around = around[step]
        around[last] = pulumi.Output.from_input(around[last])

    inputs = register(args, late=put if late else lambda _: None).inputs
    return {name: given for name, given in inputs.items() if name != "outputs"}


def spelt(path: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
