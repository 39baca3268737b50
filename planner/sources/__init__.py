"""Text to model: Dockerfiles, ignore files and graph files become records."""
