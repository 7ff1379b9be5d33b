"""The pure core: a spec in, manifests and messages out. Nothing here knows Pulumi or talks to a cluster."""
