"""Simulated labeling campaigns: data sets, synthetic speech, results and plots."""
