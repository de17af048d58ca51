"""The desk of the people behind the bot: who is ready, who waits, and the conversations they hold."""
