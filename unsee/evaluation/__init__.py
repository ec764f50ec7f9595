"""Asking an engine and scoring what it said: the same way for every command."""
