"""What the rooms at the edge need of the system: files that somebody names, and threads. Knows none of these rooms."""
