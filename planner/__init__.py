"""Plans and builds families of container images: dependency graph, exact keys, minimal rebuilds, reasons."""

__version__ = "0.1.0"
