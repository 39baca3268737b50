"""Registries over HTTP: what publishing an image needs."""
