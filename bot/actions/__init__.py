"""Custom actions of the dialogue: one file per family. Started by `python -m bot.actions`."""
