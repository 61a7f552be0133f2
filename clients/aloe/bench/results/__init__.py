"""What an experiment keeps: a row per head in a Parquet file, and the folder around it."""
