"""The program behind `pulumi up`: what the stack's configuration says, on every cluster it names."""

import pulumi
from mesh_federation import MeshFederation, settings

federation = MeshFederation("mesh", settings.read())

pulumi.export("addresses", federation.addresses)
pulumi.export("hosts", federation.hosts)
pulumi.export("traffic", federation.traffic)
pulumi.export("trust", federation.trust)
pulumi.export("requirements", federation.requirements)
