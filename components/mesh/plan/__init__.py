"""The objects of a federation: one module for each kind, and the plan that puts them together."""
