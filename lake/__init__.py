"""What is stored and how it is asked: OCSF events in Iceberg tables, read by DuckDB."""
