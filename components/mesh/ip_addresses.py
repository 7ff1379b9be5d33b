"""Which values are IP addresses, and of which version."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Any


def is_ip_address(value: Any) -> bool:
    """Whether a value is known to be an IP address."""
    return ip_version(value) != 0


def ip_version(value: Any) -> int:
    """4 or 6; 0 of what is not the text of an IP address, such as a name or an output."""
    return _version_of(value) if isinstance(value, str) else 0


# the same addresses and names stand in many objects
@lru_cache(maxsize=10_000)
def _version_of(text: str) -> int:
    try:
        return ip_address(text).version
    except ValueError:
        return 0
