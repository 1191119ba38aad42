"""Formats whose files say themselves what they hold."""
