"""Experiments with simulated oracles: how few labels a task needs, measured through the services.

datasets    labeled recordings, by name or from a folder or manifest; synthetic speech
spec        what an experiment is asked to do
results     what it keeps: one Parquet file, and the folder around it
run         doing it: embeddings once, then every run that is missing
report      what the results say: statistics, tables, figures, a page
"""
