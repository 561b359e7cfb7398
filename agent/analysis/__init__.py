"""Numbers in, numbers out: the statistics that decide. No lake, no SQL."""
