"""What we say of an object offline is what an API server and istiod say of it, in every release."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mesh_federation.mesh.istio import rules, schema
from mesh_federation.mesh.istio.releases import RELEASES

from sandbox.clusters import Sandbox
from tests.given.istio_mutations import mutations
from tests.given.istio_objects import Object, emitted, invalid, valid
from tests.given.translations import Translation, translations
from tests.real.judges import ApiServer, refusals_of_istiod

pytestmark = pytest.mark.sandbox

ISTIOD = "1.31"
"""The newest release whose fields the istiod that we build knows, all of them."""


@pytest.fixture(scope="module")
def server(sandbox: Sandbox) -> Iterator[ApiServer]:
    with ApiServer(sandbox, "cluster1").with_releases() as server:
        yield server


@pytest.mark.parametrize("release", RELEASES)
def test_the_corpus_is_judged_alike(release: str, server: ApiServer, tmp_path: Path) -> None:
    documents = [document for document in invalid() + valid() if release in document.releases]
    objects = [document.object for document in documents]

    by_the_server = server.refusals(objects, release)
    by_istiod = refusals_of_istiod(objects, tmp_path)

    assert len(objects) > 300
    for document, refusal, complaint in zip(documents, by_the_server, by_istiod, strict=True):
        assert bool(refusal) == bool(_by_schema(document.object, release)), (document, refusal)
        if not refusal and ISTIOD in document.releases:
            assert bool(complaint) == bool(rules.problems_of_an_object(document.object)), (document, complaint)


@given(st.lists(mutations(ISTIOD), min_size=60, max_size=60))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_valid_object_with_something_else_at_one_place_is_judged_alike(
    server: ApiServer, tmp_path: Path, objects: list[Object]
) -> None:
    by_the_server = server.refusals(objects, ISTIOD)
    by_istiod = refusals_of_istiod(objects, tmp_path)

    for manifest, refusal, complaint in zip(objects, by_the_server, by_istiod, strict=True):
        assert bool(refusal) == bool(_by_schema(manifest, ISTIOD)), (manifest, refusal)
        if not refusal:
            assert bool(complaint) == bool(rules.problems_of_an_object(manifest)), (manifest, complaint)


@pytest.mark.parametrize("release", RELEASES)
def test_every_object_of_every_scenario_is_taken(release: str, server: ApiServer, tmp_path: Path) -> None:
    objects = emitted()

    assert not [*filter(None, server.refusals(objects, release))]
    assert not [*filter(None, refusals_of_istiod(objects, tmp_path))]


@given(translations)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_object_of_a_generated_spec_is_taken(server: ApiServer, tmp_path: Path, translation: Translation) -> None:
    objects = [manifest for _, manifest in translation.everything]

    for release in RELEASES:
        assert not [*filter(None, server.refusals(objects, release))]
    assert not [*filter(None, refusals_of_istiod(objects, tmp_path))]


def _by_schema(manifest: Object, release: str) -> Sequence[object]:
    return schema.problems(manifest["spec"], manifest["kind"], release)
