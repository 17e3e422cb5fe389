"""Files to batches: records, data sets, samplers, the Lightning data module, the drawn people."""
