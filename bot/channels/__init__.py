"""Where messages come in: only the gateway's own channel."""
