"""The nodes of the graph: functions from the state so far to what they found out."""
