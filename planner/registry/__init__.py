"""Registries over HTTP: images, records, leases and clean-up."""
