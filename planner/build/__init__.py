"""BuildKit: requests to command lines, progress and stored images."""
