"""The bookinfo example, with requests."""

import re
import shlex
import sys

import pytest

from sandbox import traffic
from tests.given import pages
from tests.given.specs import SPLIT
from tests.real.bed import reviews
from tests.real.federation import LiveFederation
from tests.real.shares import assert_split

pytestmark = pytest.mark.mesh


def test_the_split_of_the_bookinfo_example_is_what_callers_get(federation: LiveFederation) -> None:
    federation.become(reviews(*SPLIT))

    assert_split(federation.send, {"v3 on cluster2": 0.75, "v1 on cluster1": 0.15, "v2 on cluster1": 0.10})


def test_the_documentation_s_command_shows_who_answers(
    federation: LiveFederation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = (block for block in pages.blocks("console") if "sandbox.traffic" in block.text)
    ((command, shown),) = pages.dialogue(block)
    arguments = shlex.split(command.removeprefix("python -m sandbox.traffic "))
    federation.become(reviews(*SPLIT))
    directory = str(federation.bed.sandbox.directory)
    monkeypatch.setattr(sys, "argv", ["sandbox.traffic", "--directory", directory, *arguments])

    assert traffic.main() == 0

    assert but_for_figures(capsys.readouterr().out) == but_for_figures(shown)


def but_for_figures(text: str) -> str:
    return re.sub(r" +", " ", re.sub(r"█+", "█", re.sub(r"[\d.]+", "0", text)))


def test_the_caller_s_identity_arrives_at_the_version_on_the_other_cluster(federation: LiveFederation) -> None:
    federation.become(reviews(*SPLIT))

    seen = federation.send(100).samples["v3 on cluster2"]

    assert seen["caller"] == "spiffe://cluster1/ns/default/sa/bookinfo-productpage"
    assert seen["host"] == "reviews:9080"


def test_istiod_trusts_whom_the_output_says(federation: LiveFederation) -> None:
    federation.become(reviews(*SPLIT))

    (in_output,) = federation.stack.outputs()["trust"]["cluster2"]["caCertificates"]
    (at_istiod,) = federation.bed.istiod("cluster2").configuration()["caCertificates"]
    assert at_istiod["pem"] == federation.bed.root
    assert in_output["trustDomains"] == at_istiod["trustDomains"] == ["cluster1"]


def test_a_split_over_three_clusters(federation: LiveFederation) -> None:
    federation.become(reviews(("cluster1", "v1", 2), ("cluster2", "v3", 3), ("cluster3", "v5", 5)))

    assert_split(federation.send, {"v1 on cluster1": 0.2, "v3 on cluster2": 0.3, "v5 on cluster3": 0.5})
