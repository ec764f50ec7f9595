"""Judges: rules, a local model, an OpenAI-compatible server, behind one interface."""

from __future__ import annotations

import difflib
import os

from unsee.errors import UserError
from unsee.judges.base import Case, Judge, Quality
from unsee.judges.openai import OpenAIJudge
from unsee.judges.openai_client import read_address
from unsee.judges.rules import RuleJudge

__all__ = ["Case", "Judge", "OpenAIJudge", "Quality", "RuleJudge", "get_judge"]

_FORMS = {"rules": "rules", "openai": "openai:URL#MODEL", "local": "local:MODEL"}


def get_judge(spec: str) -> Judge:
    """The judge that `spec` names: "rules", "openai:URL#MODEL" or "local:MODEL".

    "openai:URL#MODEL?temperature=default" leaves the temperature, 0 otherwise, to a server that accepts one value only.
    The key for an OpenAI-compatible server is read from the environment variable OPENAI_API_KEY, if it is set.
    Raises UserError for anything else; for "local:" also whatever loading the model raises.
    """
    kind, _, rest = spec.partition(":")
    if kind == "rules" and not rest:
        return RuleJudge()
    if kind == "openai":
        address = read_address(rest)
        if address is not None:
            url, model, temperature = address
            return OpenAIJudge(url, model, api_key=os.environ.get("OPENAI_API_KEY"), temperature=temperature)
    if kind == "local" and rest:
        # Loading needs torch; the other judges do not.
        from unsee.judges.local import LocalJudge
        from unsee.models.loading import load

        return LocalJudge(load(rest))
    near = difflib.get_close_matches(kind.casefold(), _FORMS, n=1)
    hint = f"did you mean {_FORMS[near[0]]!r}?" if near else f"use one of {', '.join(map(repr, _FORMS.values()))}."
    raise UserError(f"There is no judge {spec!r}; {hint}")
