"""Read-only questions to the lake, one `.sql` file each."""
