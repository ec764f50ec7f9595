"""Adapters that servers put on a base model at run time: vLLM and SGLang.

Both read PEFT's layout and names, and apply LoRA to the language model alone. What they read of `adapter_config.json`
is the rank, alpha, and in SGLang's case the target modules: a list of names, of which the last part counts, because it
refuses the regular expression that PEFT allows. So the folder names each module by its whole path, which PEFT, too,
takes for exactly that module, and not for one of the vision tower that is called the same.
"""

from __future__ import annotations

from pathlib import Path

from peft import LoraConfig, PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer

from unsee.errors import UserError
from unsee.models.adapters import save_adapter
from unsee.models.vlm import VisionLanguageModel

# What PEFT can do and one of the two servers cannot or would silently leave out.
_BEYOND = {
    "modules_to_save": "it holds whole trained modules",
    "rank_pattern": "its rank differs between modules",
    "alpha_pattern": "its alpha differs between modules",
    "use_dora": "it is DoRA",
    "use_rslora": "it scales by the square root of the rank (rsLoRA)",
    "lora_bias": "it has biases",
}


def save_served_adapter(vlm: VisionLanguageModel, folder: Path) -> int:
    """Write the adapter of `vlm` into `folder` as both servers load it; returns its rank.

    Raises UserError, in one sentence, if they could not apply all of it.
    """
    why = _why_not(vlm)
    if why is not None:
        raise UserError(
            f"vLLM and SGLang cannot put this adapter on {vlm.name}, because {why}; export it merged, without "
            "--adapter-only."
        )
    config = _config(vlm)
    config.target_modules = _changed(vlm)
    save_adapter(vlm, folder)
    return int(config.r)


def _why_not(vlm: VisionLanguageModel) -> str | None:
    if vlm.originals is not None:
        return "it replaces weights (a delta) instead of adding a product of low rank"
    config = _config(vlm)
    if not isinstance(config, LoraConfig):
        return f"it is no LoRA but {config.peft_type.value}"
    for option, why in _BEYOND.items():
        if getattr(config, option, None):
            return why
    if config.bias != "none":
        return "it has biases"
    elsewhere = sorted({*_changed(vlm)} - {*vlm.layout.language_linears})
    if elsewhere:
        seen = [path for path in elsewhere if path in vlm.layout.vision_linears]
        part = "the vision tower or the projector" if seen else "modules outside the layers of the language model"
        return f"it also changes {part} ({(seen or elsewhere)[0]}), and they apply adapters to the language model alone"
    return None


def _config(vlm: VisionLanguageModel) -> LoraConfig:
    assert isinstance(vlm.model, PeftModel)
    config = vlm.model.peft_config[vlm.model.active_adapter]
    return config  # type: ignore[return-value]


def _changed(vlm: VisionLanguageModel) -> list[str]:
    return sorted(path for path, module in vlm.base.named_modules() if isinstance(module, BaseTunerLayer))
