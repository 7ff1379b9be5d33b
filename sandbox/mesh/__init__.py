"""A real mesh on one machine: istiod for each cluster, and Envoy beside every workload, in network namespaces."""
