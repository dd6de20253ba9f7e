"""Targets of frameworks, each imported when something of it is to be identified."""
