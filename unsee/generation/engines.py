"""The engine that a user's text names."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from unsee.errors import UserError
from unsee.generation.engine import Engine
from unsee.generation.openai_client import read_address

_FORMS = {"openai": "openai:URL#MODEL", "vllm": "vllm:MODEL", "world": "world:NAME"}


def get_engine(
    model: str | Path,
    *,
    adapter: Path | None = None,
    device: str = "auto",
    revision: str | None = None,
    load_in_4bit: bool = False,
    **options: Any,
) -> Engine:
    """The engine of a model as users write it.

    "openai:URL#MODEL"  a model behind an OpenAI-compatible server; "…?temperature=default" lets the server choose the
                        temperature, which is 0 otherwise. The key is read from the environment variable
                        OPENAI_API_KEY, if it is set.
    "vllm:MODEL"        a model that vLLM runs on this machine; `options` are those of `vllm.LLM`
    anything else       a model that transformers runs on this machine, or the folder of a run of `unsee forget`;
                        `options` are those of `unsee.load`

    `adapter` is a folder that an unlearning run or PEFT wrote. Raises UserError for anything else and for options that
    the engine does not support; also what loading the model raises.
    """
    spec = str(model)
    kind, _, rest = spec.partition(":")
    check_name(spec)
    if address := _address(spec):
        given = {"adapter": adapter, "device": device, "revision": revision, "load_in_4bit": load_in_4bit, **options}
        _refuse(spec, given, "its server decides that")
        from unsee.generation.served import ServedEngine

        url, model, temperature = address
        return ServedEngine(url, model, os.environ.get("OPENAI_API_KEY"), temperature=temperature)
    if kind == "vllm":
        _refuse(spec, {"device": device}, "vLLM uses the GPUs that CUDA_VISIBLE_DEVICES names")
        _refuse(spec, {"load_in_4bit": load_in_4bit}, "give vLLM a model that is stored in 4 bits")
        from unsee.generation.vllm import VLLMEngine

        return VLLMEngine(rest, adapter, revision=revision, **options)
    from unsee.generation.transformers import TransformersEngine
    from unsee.models.adapters import load_adapter
    from unsee.models.loading import load

    vlm = load(spec, device=device, revision=revision, load_in_4bit=load_in_4bit, **options)
    if adapter is not None:
        load_adapter(vlm, adapter)
    return TransformersEngine(vlm)


def check_name(model: str | Path) -> None:
    """Raises UserError if `model` is written as no engine is; loads nothing."""
    spec = str(model)
    kind, _, rest = spec.partition(":")
    if (kind == "openai" or spec.startswith(("http:", "https:"))) and _address(spec) is None:
        raise UserError(f"{spec!r} does not name a served model; write it as {_FORMS['openai']}.")
    if kind == "vllm" and not rest:
        raise UserError(f"{spec!r} does not name a model; write it as {_FORMS['vllm']}.")
    near = difflib.get_close_matches(kind.casefold(), _FORMS, n=1) if rest and not Path(spec).exists() else []
    if near and kind not in _FORMS:
        raise UserError(f"There is no engine {kind!r} for the model {rest!r}; did you mean {_FORMS[near[0]]!r}?")


def _address(spec: str) -> tuple[str, str, float | None] | None:
    kind, _, rest = spec.partition(":")
    return read_address(rest) if kind == "openai" else None


def _refuse(spec: str, given: dict[str, Any], reason: str) -> None:
    """Raises UserError if one of these options is given."""
    for name, value in given.items():
        if value not in (None, False, "auto"):
            raise UserError(f"The model {spec} does not take {name}: {reason}; leave it out.")
