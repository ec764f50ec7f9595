"""Requests over time: an append-only chain of entries about one model, and what is needed to build it again.

LEDGER/entries/0001.json ...   one file an entry: canonical JSON with the SHA-256 of the entry before it
       head.json               the number and the SHA-256 of the newest entry
       requests/ID/            a request: its text, its pictures, its training data
       runs/NUMBER-ID/         what was trained for an entry: the adapter, the answers, a report about each request
"""

from __future__ import annotations

from unsee.ledger.chain import Ledger, inspect
from unsee.ledger.entries import Build, Entry, Result

__all__ = ["Build", "Entry", "Ledger", "Result", "inspect"]
