"""The trust stack: a token server for registries, and the login that brings it a CI's identity."""
