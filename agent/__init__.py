"""The agent: asks the lake, tries what changed, and writes a report that can be checked."""
