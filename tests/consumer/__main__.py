"""A shop on two clusters: three quarters of the calls to `reviews` that start on cluster1 are answered by cluster2."""

import pulumi
import pulumi_kubernetes as kubernetes
from mesh_federation import MeshFederation

east = kubernetes.Provider("east", context="cluster1", cluster_identifier="cluster1", enable_patch_force=True)
west = kubernetes.Provider("west", context="cluster2", cluster_identifier="cluster2", enable_patch_force=True)

shop = MeshFederation(
    "shop",
    {
        "clusters": {
            "cluster1": {"provider": east, "trust_domain": "cluster1", "gateway": {"addresses": ["172.18.0.229"]}},
            "cluster2": {"provider": west, "trust_domain": "cluster2", "gateway": {"addresses": ["172.18.0.230"]}},
        },
        "services": [
            {
                "name": "reviews",
                "namespace": "default",
                "ports": [{"name": "http", "number": 9080, "protocol": "HTTP"}],
                "clusters": {
                    "cluster1": {"versions": ["v1", "v2"], "service_accounts": ["bookinfo-reviews"]},
                    "cluster2": {"versions": ["v3"], "service_accounts": ["bookinfo-reviews"]},
                },
            }
        ],
        "traffic": [
            {
                "service": "reviews.default",
                "clients": {"clusters": ["cluster1"]},
                "http": [
                    {
                        "route": [
                            {"cluster": "cluster2", "version": "v3", "weight": 75},
                            {"cluster": "cluster1", "version": "v1", "weight": 15},
                            {"cluster": "cluster1", "version": "v2", "weight": 10},
                        ]
                    }
                ],
            }
        ],
        "settle_seconds": 0,
    },
)

pulumi.export("addresses", shop.addresses)
pulumi.export("traffic", shop.traffic)
