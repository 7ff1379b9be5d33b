"""Every object that we emit is valid in every release, offline; real judges say the same in test_judges.py."""

from hypothesis import given, settings
from hypothesis import strategies as st
from mesh_federation.mesh.istio.judge import problems_of_an_object
from mesh_federation.mesh.istio.kinds import ROUTING, SERVICE
from mesh_federation.mesh.istio.releases import RELEASES

from tests.given.istio_objects import Object, emitted
from tests.given.translations import Translation, all_translations, translations_with_policies


def test_every_object_of_every_scenario_is_valid_in_every_release() -> None:
    objects = emitted()

    assert {manifest["kind"] for manifest in objects} >= {kind.name for kind in ROUTING}
    for manifest in objects:
        _assert_valid(manifest)


@given(st.one_of(all_translations, translations_with_policies))
@settings(max_examples=40)
def test_every_object_of_a_generated_spec_is_valid_in_every_release(translation: Translation) -> None:
    for _, manifest in translation.everything:
        _assert_valid(manifest)


def _assert_valid(manifest: Object) -> None:
    assert manifest.keys() == {"apiVersion", "kind", "metadata", "spec"}
    if manifest["kind"] != SERVICE.name:
        for release in RELEASES:
            assert not problems_of_an_object(manifest, release), manifest
