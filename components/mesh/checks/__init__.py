"""What must be true between the parts of a spec. Each check is a generator with the name of its problem."""
