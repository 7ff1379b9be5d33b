"""For every spec, no call leaves its cluster but by mutual TLS with whom the spec names."""

from hypothesis import given

from tests.given.translations import Translation, key, of_kind, translations
from tests.oracle.reading import meaning, policies


@given(translations)
def test_no_federated_host_without_its_mutual_tls_rule(translation: Translation) -> None:
    for client, objects in translation.objects.items():
        for entry in of_kind(objects, "ServiceEntry"):
            [host] = entry["spec"]["hosts"]
            entry_key = key(client, entry)
            [policy_key] = translation.plan.after[entry_key]
            policy = translation.keys()[policy_key]
            assert policy["spec"]["host"] == host
            assert policy["spec"]["trafficPolicy"]["tls"]["mode"] == "ISTIO_MUTUAL"
            assert policy["metadata"]["namespace"] == entry["metadata"]["namespace"]
            listed = {level["port"]["number"] for level in policy["spec"]["trafficPolicy"]["portLevelSettings"]}
            assert listed == {port["number"] for port in entry["spec"]["ports"]}


@given(translations)
def test_mutual_tls_at_every_level_with_the_identities_of_the_serving_cluster(translation: Translation) -> None:
    for _, manifest in translation.everything:
        for policy in policies(manifest):
            serving, service = meaning(translation.spec, manifest["spec"]["host"])
            trust_domain = translation.spec["clusters"][serving].get("trustDomain", "cluster.local")
            expected = {
                f"spiffe://{trust_domain}/ns/{service['namespace']}/sa/{account}"
                for account in service["clusters"][serving]["serviceAccounts"]
            }
            for level in (policy, *policy["portLevelSettings"]):
                assert level["tls"]["mode"] == "ISTIO_MUTUAL"
                assert set(level["tls"]["subjectAltNames"]) == expected
                assert len(level["tls"]["subjectAltNames"]) == len(expected)
            assert "sni" not in policy["tls"], "a port that is not listed must find no filter chain"


@given(translations)
def test_a_cluster_that_runs_a_service_gets_no_traffic_policy_for_it(translation: Translation) -> None:
    for cluster, rule in translation.everything:
        if rule["kind"] == "DestinationRule" and ".svc." in rule["spec"]["host"]:
            domain = translation.spec["clusters"][cluster].get("domain", "cluster.local")
            if rule["spec"]["host"].endswith(f".svc.{domain}"):
                assert not policies(rule)
