"""Trust as tables of pure data: who a run is, what it may read, and the one place that it may write."""
