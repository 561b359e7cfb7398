"""Records in: files of many sources made OCSF events of the lake."""
