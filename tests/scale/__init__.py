"""The Admin API of a large installation: `make scale`."""
