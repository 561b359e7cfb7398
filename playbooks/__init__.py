"""Playbooks: symptoms, checks and remedies as data."""
