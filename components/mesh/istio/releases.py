"""The releases of Istio that we support."""

RELEASES = ("1.27", "1.28", "1.29", "1.30", "1.31", "1.32")
"""Oldest first."""
