"""Plans as CI jobs, pipelines and manifests for clusters."""
