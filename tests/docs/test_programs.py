"""Every Python block runs, after the first block of its page, and makes what its spec says."""

import json
import re
import subprocess
import sys

import pytest

from tests.given import pages
from tests.given.pages import Block

ON_MOCKS = """
import asyncio, ipaddress, json, sys
import pulumi
from mesh_federation.mesh.addresses import Ledger, allocate

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        state = dict(args.inputs)
        if args.typ.endswith(":AddressPool"):
            state["addresses"] = dict(allocate(state["hosts"], ipaddress.ip_network(state["pool"]), Ledger()).addresses)
        if args.typ == "kubernetes:core/v1:Service":
            state["status"] = {"loadBalancer": {"ingress": [{"ip": "172.18.0.230"}]}}
        names.append(args.name)
        return args.resource_id or args.name, state

    def call(self, args):
        return {}

names, exported = [], {}
pulumi.runtime.set_mocks(Mocks(), project="documentation", stack="test", preview=False)
pulumi.export = exported.__setitem__

async def run():
    exec(compile(sys.stdin.read(), "block", "exec"), {"__name__": "__main__"})
    await pulumi.runtime.stack.wait_for_rpcs()
    return {name: await output.future() for name, output in exported.items()}

print(json.dumps({"outputs": asyncio.get_event_loop().run_until_complete(run()), "names": names}))
"""


@pytest.mark.parametrize("block", pages.blocks("python"), ids=str)
def test_a_program_makes_the_federation_that_it_shows(block: Block) -> None:
    first = pages.blocks("python", page=block.page)[0]
    source = block.text if block == first else first.text + block.text

    run = subprocess.run([sys.executable, "-c", ON_MOCKS], input=source, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout.splitlines()[-1])
    for name in re.findall(r'MeshFederation\(\s*"(\w+)"', source):
        assert f"{name}/cluster1/VirtualService/default/reviews" in result["names"]
    if "pulumi.export" in source:
        assert result["outputs"]["traffic"]["cluster1"]["reviews.default"] == {
            "v1 here (cluster1)": "25.00 %",
            "v3 on cluster2": "75.00 %",
        }
