"""What a user can say: models and their docstrings, nothing else. What must hold between them is in `checks`."""
