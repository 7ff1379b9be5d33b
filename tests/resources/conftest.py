"""What tests of resources share: Pulumi's plugin for dynamic resources, running, and a silent asyncio."""

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

# of all that waited for a federation that is refused, it would tell when the last of them is forgotten
logging.getLogger("asyncio").setLevel(logging.CRITICAL)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()
