"""Durable runs: what an investigation needs to go on after a kill, and what it has paid for."""
