"""The pure core as a command: no engine, no cluster."""
