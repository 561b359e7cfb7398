"""What the agent did, as OpenTelemetry spans by the GenAI conventions; exported to the lake."""
