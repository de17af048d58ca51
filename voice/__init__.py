"""Spoken conversations: turn-taking, speech synthesis, the lines that callers come in on, recordings."""
