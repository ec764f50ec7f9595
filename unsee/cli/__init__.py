"""The command line: parse, call, print."""

from unsee.cli.root import app, main

__all__ = ["app", "main"]
