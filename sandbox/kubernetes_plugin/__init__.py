"""A stand-in for pulumi-resource-kubernetes 4.34.2, for machines where the official plugin cannot be had.

It speaks the same gRPC protocol and treats custom resources and plain core resources as the official one does.
Read top-down: `__main__` serves, `provider` answers the engine, `resources` follows an object through its life,
`apply` knows field managers, `cluster` speaks to one API server by its `transport`, `protocol` holds the messages of
the engine. The others are pure functions on plain data.

It does not do Helm, Patch and List resources, `yaml` invokes, waiting for readiness, client-side apply, upserts.
"""
