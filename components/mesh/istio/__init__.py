"""Istio's own language, as data: its kinds, its schemas by release, and what its webhook refuses beyond them."""
