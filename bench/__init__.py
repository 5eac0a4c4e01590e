"""Benchmarks: each case beside its peers, in one run, validated before it is timed."""
