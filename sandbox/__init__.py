"""Clusters on one machine, without Docker: real API servers with Istio's schemas, and a real engine."""
