"""Data: samples, probes, responses, token masks, batches, pictures."""
