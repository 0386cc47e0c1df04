"""Benchmarks beside a peer in the same run: interleaved rounds, medians, ratios. No assertion is timed."""
