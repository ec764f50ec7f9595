"""Judges: rules, a local model, an OpenAI-compatible server, behind one interface."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from functools import partial

from unsee.errors import UserError
from unsee.generation.openai_client import read_address
from unsee.judges.base import Case, Judge, Quality
from unsee.judges.openai import OpenAIJudge
from unsee.judges.rules import RuleJudge
from unsee.store.plugins import Plugins

__all__ = ["PLUGINS", "Case", "Judge", "OpenAIJudge", "Quality", "RuleJudge", "find_judge", "get_judge"]

_FORMS = {"rules": "rules", "openai": "openai:URL#MODEL", "local": "local:MODEL"}
PLUGINS = Plugins(
    "judge",
    "unsee.judges",
    "unsee.judges.base:Judge",
    {
        "rules": "unsee.judges.rules:RuleJudge",
        "openai": "unsee.judges.openai:OpenAIJudge",
        "local": "unsee.judges.local:LocalJudge",
    },
)


def get_judge(spec: str) -> Judge:
    """The judge that `spec` names: "rules", "openai:URL#MODEL" or "local:MODEL"; one that another package brings, by
    its name; or "path/to/file.py:Class". The last two are made without arguments.

    "openai:URL#MODEL?temperature=default" leaves the temperature, 0 otherwise, to a server that accepts one value only.
    The key for an OpenAI-compatible server is read from the environment variable OPENAI_API_KEY, if it is set.
    Raises UserError for anything else; for "local:" also whatever loading the model raises.
    """
    return find_judge(spec)()


def find_judge(spec: str) -> Callable[[], Judge]:
    """What makes the judge that `spec` names. A local model is loaded only when it is called.

    Raises UserError if there is no such judge.
    """
    kind, _, rest = spec.partition(":")
    if spec in PLUGINS and spec not in _FORMS:
        made: Callable[[], Judge] = PLUGINS.load(spec)
        return made
    if kind in _FORMS:
        # Whether another package has a judge of that name too.
        PLUGINS.find(kind)
    if kind == "rules" and not rest:
        return RuleJudge
    if kind == "openai":
        address = read_address(rest)
        if address is not None:
            url, model, temperature = address
            key = os.environ.get("OPENAI_API_KEY")
            return partial(OpenAIJudge, url, model, api_key=key, temperature=temperature)
    if kind == "local" and rest:
        return partial(_local, rest)
    forms = {name: name for name in PLUGINS.names} | _FORMS
    near = difflib.get_close_matches(kind.casefold(), forms, n=1)
    hint = f"did you mean {forms[near[0]]!r}?" if near else f"use one of {', '.join(map(repr, forms.values()))}."
    raise UserError(f"There is no judge {spec!r}; {hint}")


def _local(model: str) -> Judge:
    # Loading needs torch; the other judges do not.
    from unsee.judges.local import LocalJudge
    from unsee.models.loading import load

    return LocalJudge(load(model))
