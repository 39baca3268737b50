"""The Compose door: services of Compose files that are built, as Docker Compose reads them."""
