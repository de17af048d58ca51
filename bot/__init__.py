"""The Rasa side of Teller. It runs in an environment of its own and imports nothing of the other packages."""
