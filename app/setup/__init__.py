"""Set-up: from a fresh clone to everything that can be built, step by step. Needs nothing but a bare Python."""
