"""Encrypted values, wherever they stand: unknown to `check`, and to `render` and `adopt` as good as the value itself
where nobody needs it.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh.errors import Path as Place
from mesh_federation.mesh.errors import spelled

from tests.given import core
from tests.given.broken import printed_problems
from tests.given.commands import Outcome, run
from tests.given.scenarios import SCENARIOS, spec_of
from tests.given.specs import Spec, bookinfo, config_of_spec
from tests.given.strategies import specs

ENCRYPTED = {"secure": "AAABAKd0ZXN0LXZhbHVlLW9ubHk="}


@given(st.one_of(specs(), st.sampled_from(SCENARIOS).map(spec_of)), st.data())
def test_an_encrypted_value_is_unknown_and_never_wrong(spec: Spec, data: st.DataObject) -> None:
    encrypted = data.draw(st.lists(st.sampled_from(list(places(spec))), min_size=1, max_size=2))
    with tempfile.TemporaryDirectory() as directory:
        is_unknown_and_never_wrong(Path(directory), spec, encrypted)


def test_every_value_of_the_example_may_be_encrypted(tmp_path: Path) -> None:
    for number, place in enumerate(places(bookinfo())):
        directory = tmp_path / str(number)
        directory.mkdir()
        is_unknown_and_never_wrong(directory, bookinfo(), [place])


def test_what_needs_an_encrypted_address_says_so(tmp_path: Path) -> None:
    place = ("clusters", "cluster2", "gateway", "addresses", 0)
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(stack_file(with_encrypted(bookinfo(), [place])))

    assert run("check", file).out == f"{file}: no problem; 1 rule, 1 service, 2 clusters: 8 objects\n"
    refusal = "clusters.cluster2.gateway.addresses[0]: is encrypted; only the engine can decrypt it\n"
    assert render(tmp_path, file) == ((1, "", refusal), None)


def test_an_encrypted_address_is_not_taken_for_a_name(tmp_path: Path) -> None:
    """Beside its own pods, a client cluster may have fewer substitutes whose gateways have names."""
    [scenario] = [folder for folder in SCENARIOS if folder.name == "home_between_two_others"]
    spec = spec_of(scenario)
    addresses = [place for place in places(spec["clusters"]) if place[-2:-1] == ("addresses",)]
    assert len(addresses) > 2
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(stack_file(with_encrypted(spec, [("clusters", *place) for place in addresses])))

    assert run("check", file).code == 0


def test_a_version_that_nothing_calls_may_be_encrypted(tmp_path: Path) -> None:
    [scenario] = [folder for folder in SCENARIOS if folder.name == "one_name_on_every_cluster"]
    spec = spec_of(scenario)
    clear, secret = tmp_path / "Pulumi.clear.yaml", tmp_path / "Pulumi.secret.yaml"
    clear.write_text(stack_file(spec))
    secret.write_text(stack_file(with_encrypted(spec, [("services", 0, "clusters", "berlin", "versions", 0)])))

    assert render(tmp_path, secret) == render(tmp_path, clear)


def test_what_needs_no_encrypted_value_goes_on_without_it(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(stack_file(with_encrypted(bookinfo(), [("settleSeconds",), ("clusters", "cluster1", "context")])))

    outcome, written = render(tmp_path, file)

    assert (outcome.code, len(written or ())) == (0, 8)


def is_unknown_and_never_wrong(directory: Path, spec: Spec, encrypted: list[Place]) -> None:
    clear, secret = directory / "Pulumi.clear.yaml", directory / "Pulumi.secret.yaml"
    clear.write_text(stack_file(spec))
    secret.write_text(stack_file(with_encrypted(spec, encrypted)))

    assert run("check", secret).code == 0
    # what the clear file is warned of may be told of the other, too
    assert warnings(secret) <= warnings(clear)
    options = state(directory, spec)
    refusals = [f"{spelled(place)}: is encrypted; only the engine can decrypt it\n" for place in encrypted]
    for outcome, written, expected in (
        (*render(directory, secret), render(directory, clear)[1]),
        (*adopt(directory, secret, options), adopt(directory, clear, options)[1]),
    ):
        if outcome.code == 0:
            assert written == expected
        else:
            assert (outcome.code, written) == (1, None)
            [refusal] = [line for line in outcome.err.splitlines(keepends=True) if ": warning: " not in line]
            assert refusal in refusals


def warnings(file: Path) -> set[tuple[str, str]]:
    """Name and message of all that is told of a file; lines move."""
    return {(problem.name, problem.message) for problem in printed_problems(file)}


def render(directory: Path, file: Path) -> tuple[Outcome, dict[str, str] | None]:
    """What the command says, and the files that it writes."""
    out = directory / "out"
    outcome = run("render", file, "--out", out)
    if not out.exists():
        return outcome, None
    written = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*.yaml")}
    shutil.rmtree(out)
    return outcome, written


def adopt(directory: Path, file: Path, options: Iterable[str]) -> tuple[Outcome, Any]:
    """What the command says, and the import file that it writes."""
    out = directory / "import.json"
    outcome = run("adopt", file, "--stack", "x", "--out", out, *options)
    if not out.exists():
        return outcome, None
    written = json.loads(out.read_text())
    out.unlink()
    return outcome, written


def state(directory: Path, spec: Spec) -> list[str]:
    """Options of `adopt`: every object exists and none is remembered; providers are, where there is no context."""
    urns = [
        f"urn:pulumi:x::mesh::pulumi:providers:kubernetes::{name}"
        for name, cluster in spec["clusters"].items()
        if "context" not in cluster
    ]
    export = directory / "state.json"
    export.write_text(json.dumps({"deployment": {"resources": [{"urn": urn, "id": "1"} for urn in urns]}}))
    options = ["--state", str(export)]
    for cluster, manifests in core.new_stack(core.read(spec)).plan.manifests.items():
        listing = directory / f"{cluster}.json"
        listing.write_text(json.dumps({"items": [manifest.object for manifest in manifests]}))
        options += ["--found", f"{cluster}={listing}"]
    return options


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    """Where a value stands in a spec."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(item, (*path, key))


def with_encrypted(spec: Spec, encrypted: Iterable[Place]) -> Spec:
    """The spec as `pulumi config set --secret --path` leaves it."""
    # YAML would write parts that are one object as one, and encrypt both
    secret: Spec = json.loads(json.dumps(spec))
    for path in sorted(encrypted, key=len, reverse=True):
        part: Any = secret
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = ENCRYPTED
    return secret


def stack_file(spec: Spec) -> str:
    return yaml.safe_dump({"config": config_of_spec(spec)}, sort_keys=False)
