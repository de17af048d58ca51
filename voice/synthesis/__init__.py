"""Text to speech: one interface, its engines, the cache, and the process that speaks."""
