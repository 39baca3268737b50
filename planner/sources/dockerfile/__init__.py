"""A Dockerfile, from bytes to the stages that a target reaches."""
