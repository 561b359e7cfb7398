"""Survey: looks at one window, side by side; each returns the signals and anomalies it saw."""
