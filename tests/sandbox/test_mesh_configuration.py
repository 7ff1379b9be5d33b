"""What a cluster of the bed adds to its mesh's configuration."""

from pathlib import Path

from sandbox.mesh.istiod import mesh_configuration
from sandbox.mesh.record import Record
from sandbox.mesh.topology import BedCluster

EJECTING = {"defaultTrafficPolicy": {"outlierDetection": {"consecutive5xxErrors": 5}}}


def test_a_mesh_has_the_configuration_that_its_cluster_states() -> None:
    configuration = mesh_configuration(BedCluster("cluster1", mesh_config=EJECTING), "a root")

    assert configuration["defaultTrafficPolicy"] == {"outlierDetection": {"consecutive5xxErrors": 5}}
    assert configuration["trustDomain"] == "cluster1"


def test_a_key_that_the_bed_sets_too_has_the_value_that_the_cluster_states() -> None:
    cluster = BedCluster("cluster1", mesh_config={"accessLogFile": ""})

    assert mesh_configuration(cluster, "a root")["accessLogFile"] == ""


def test_a_later_command_reads_the_same_configuration_from_the_bed_s_record(tmp_path: Path) -> None:
    record = Record(tmp_path / "bed.json")

    record.begin([BedCluster("cluster1", mesh_config=EJECTING)], {"cluster1": {}})

    assert record.clusters["cluster1"].mesh_config == EJECTING
