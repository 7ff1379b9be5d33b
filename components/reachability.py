"""Whether anybody answers where a cluster's API server should be."""

import ssl
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

from .kubeconfig import Server

_PATIENCE = 10
"""Seconds. Where packets get lost, Linux asks for the connection again after 1, 3 and 7 s."""


def why_unreachable(server: Server, seconds: float = _PATIENCE) -> str | None:
    """Why nobody answers there within `seconds`; None if somebody does.

    A refusal is an answer: no credentials are sent, and nothing that comes back is used.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # without one of its own, what the environment says
    proxy = ProxyHandler({"https": server["proxy-url"]} if "proxy-url" in server else None)
    try:
        build_opener(proxy, HTTPSHandler(context=context)).open(f"{server['server']}/version", timeout=seconds).close()
    except HTTPError as error:
        return str(error) if error.code >= 500 else None
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        # an alert comes from somebody; a connection that ends, from a load balancer with nobody behind it
        alert = isinstance(reason, ssl.SSLError) and not isinstance(reason, ssl.SSLEOFError)
        return None if alert else str(reason) or type(reason).__name__
    return None
