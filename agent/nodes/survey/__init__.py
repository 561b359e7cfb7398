"""Survey: five looks at the same window, side by side; each returns the signals it saw."""
