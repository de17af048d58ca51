"""The lines that callers come in on, one file each."""
