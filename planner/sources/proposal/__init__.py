"""Turns what a repository says about its builds, wherever it says so, into a graph file to look at."""
