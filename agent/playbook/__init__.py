"""Playbooks, what seasoned engineers check, as data: read, compiled to SQL, and tried."""
