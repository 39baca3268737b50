"""The Bake door: `docker-bake.hcl` and `.json`, read as `docker buildx bake --print` (v0.36.1) reads them."""
