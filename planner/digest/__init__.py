"""Model and tree to keys: what an image reads, listed once, hashed once."""
