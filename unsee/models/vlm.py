"""`VisionLanguageModel`: a model, its processor and where its parts are, behind one small interface."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import torch
from peft import PeftModel
from PIL import Image
from transformers import BatchFeature, PreTrainedModel, ProcessorMixin

from unsee.data.images import image_key, open_image
from unsee.errors import UserError
from unsee.models.layout import Layout

PREPARED_TOGETHER = 32
"""Pictures that a call of the processor takes at most."""

# Chat messages as transformers' templates take them: {"role": ..., "content": [{"type": "text", "text": ...}, ...]}.
Messages = list[dict[str, Any]]

# Inputs with one entry per token, except the token ids themselves.
TOKEN_ALIGNED = ("mm_token_type_ids", "token_type_ids")
# A text that no template contains and no template changes.
_MARKER = "unseeanswerhere"


@dataclass(frozen=True, eq=False)
class EncodedPrompt:
    """One prompt as the model takes it, without padding and without a batch dimension on the text.

    `input_ids`  token ids, picture placeholders expanded
    `extras`     token-aligned inputs of the same length, such as `mm_token_type_ids`
    `pixels`     vision inputs of this prompt's pictures, batch dimension included, such as `pixel_values`,
                 `image_grid_thw`, `image_sizes`; empty without pictures. Prompts with the same pictures that were
                 encoded together share these tensors: do not write into them
    `image_keys` content hash of each picture, in order
    """

    input_ids: list[int]
    extras: dict[str, list[int]] = field(default_factory=dict)
    pixels: dict[str, torch.Tensor] = field(default_factory=dict)
    image_keys: tuple[str, ...] = ()

    def followed_by(self, tokens: list[int]) -> EncodedPrompt:
        """This prompt with the tokens of an answer, or of its beginning, behind it."""
        extras = {name: values + [0] * len(tokens) for name, values in self.extras.items()}
        return replace(self, input_ids=self.input_ids + tokens, extras=extras)


@dataclass(frozen=True)
class EncodedAnswer:
    """Token ids of an answer with its end of turn; `offsets` are the tokens' (start, end) characters in the answer.

    Tokens of the end of turn have offsets at or beyond the answer's length.
    """

    input_ids: list[int]
    offsets: list[tuple[int, int]]


@dataclass(eq=False)
class VisionLanguageModel:
    """A loaded model with everything the rest of unsee needs to know about it.

    `model` is the transformers model, or the `PeftModel` around it once an adapter is attached; `name` is what the
    user asked for, `revision` the commit of a hub model. `originals` are weights before unlearning, by parameter, where
    a delta has replaced them (`unsee.models.deltas`); None without a delta. `low_rank` are the factors of those changes
    that are known as a product.
    """

    model: PreTrainedModel | PeftModel
    processor: ProcessorMixin
    layout: Layout
    name: str
    revision: str | None = None
    originals: dict[str, torch.Tensor] | None = None
    low_rank: dict[str, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    @property
    def adapted(self) -> bool:
        """Whether an adapter or a delta stands between the base model and what `model` computes."""
        return isinstance(self.model, PeftModel) or self.originals is not None

    @property
    def base(self) -> PreTrainedModel:
        """The transformers model itself, without the PEFT wrapper."""
        return cast(PreTrainedModel, self.model.get_base_model()) if isinstance(self.model, PeftModel) else self.model

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

    @property
    def device(self) -> torch.device:
        return self.base.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of activations (that of the embeddings: 4-bit weights are stored as integers)."""
        return cast(torch.Tensor, self.base.get_input_embeddings().weight).dtype

    @property
    def decoder_layers(self) -> torch.nn.ModuleList:
        layers = self.base.get_submodule(self.layout.decoder_layers)
        assert isinstance(layers, torch.nn.ModuleList)
        return layers

    @property
    def pad_token_id(self) -> int:
        """The id to pad with; positions that hold it are masked, so any token will do where there is none."""
        pad = self.tokenizer.pad_token_id
        return pad if pad is not None else next(iter(sorted(self.stop_token_ids)))

    @cached_property
    def stop_token_ids(self) -> frozenset[int]:
        """Tokens that end an answer: the model's and the tokenizer's end-of-sequence and the template's end of turn."""
        configured = self.base.generation_config.eos_token_id if self.base.generation_config else None
        stops = set(configured) if isinstance(configured, list) else {configured}
        stops.add(self.tokenizer.eos_token_id)
        stops.add(self.tokenizer(self.end_of_turn, add_special_tokens=False)["input_ids"][-1])
        return frozenset(stop for stop in stops if stop is not None)

    def render(self, messages: Messages, *, add_generation_prompt: bool) -> str:
        """The conversation as text, one placeholder per picture. `UserError` if the model has no chat template."""
        if not (self.processor.chat_template or self.tokenizer.chat_template):
            raise UserError(
                f"{self.name} has no chat template, so it cannot be asked questions; use an instruction-tuned model "
                "or add a chat_template.jinja to its folder."
            )
        if not self.processor.chat_template:
            return self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt
            )
        return self.processor.apply_chat_template(messages, add_generation_prompt=add_generation_prompt)

    @cached_property
    def end_of_turn(self) -> str:
        """What the template puts after an answer, up to and including the token that ends the turn.

        Found by rendering an answer. A template that ends answers with no special token (LLaVA-1.5's) gets the
        tokenizer's end-of-sequence token, with which such models are trained.
        """
        tail = self._rendered_turn[2]
        configured = self.base.generation_config.eos_token_id if self.base.generation_config else None
        ids = [*(configured if isinstance(configured, list) else [configured]), self.tokenizer.eos_token_id]
        stops = [self.tokenizer.convert_ids_to_tokens(stop) for stop in ids if stop is not None]
        stops += self.tokenizer.all_special_tokens
        ends = [tail.index(stop) + len(stop) for stop in stops if stop and stop in tail]
        if ends:
            return tail[: min(ends)]
        if self.tokenizer.eos_token is None:
            raise UserError(
                f"{self.name} marks the end of an answer neither in its chat template nor with an eos token."
            )
        return self.tokenizer.eos_token

    @cached_property
    def _rendered_turn(self) -> tuple[str, str, str]:
        """(prompt, what the template puts between prompt and answer, what it puts after the answer)."""
        question = [{"role": "user", "content": [{"type": "text", "text": "?"}]}]
        answer = {"role": "assistant", "content": [{"type": "text", "text": _MARKER}]}
        prompt = self.render(question, add_generation_prompt=True)
        before, _, after = self.render([*question, answer], add_generation_prompt=False).partition(_MARKER)
        return prompt, before.removeprefix(prompt) if before.startswith(prompt) else "", after

    @cached_property
    def _turn_ids(self) -> list[int]:
        """The tokens of the short prompt."""
        return self.tokenizer(self._rendered_turn[0], add_special_tokens=False)["input_ids"]

    def encode_answer(self, answer: str) -> EncodedAnswer:
        """Tokens of `answer` and its end of turn as they follow a prompt.

        Tokenised behind a short prompt, because a template may part prompt and answer by a space ("ASSISTANT: yes")
        that belongs to the answer's first token. Where that would change the prompt's own tokens, the answer is
        tokenised by itself.
        """
        prompt, gap, _ = self._rendered_turn
        prompt_ids = self._turn_ids
        tail = answer + self.end_of_turn
        for head, skip in ((prompt + gap, len(prompt_ids)), ("", 0)):
            encoded = self.tokenizer(head + tail, add_special_tokens=False, return_offsets_mapping=True)
            ids = encoded["input_ids"]
            if ids[:skip] == prompt_ids[:skip]:
                shift = len(head)
                spans = [(max(0, start - shift), max(0, end - shift)) for start, end in encoded["offset_mapping"]]
                return EncodedAnswer(ids[skip:], spans[skip:])
        raise AssertionError("the answer by itself always matches an empty prompt")

    def encode_prompt(self, prompts: Sequence[tuple[Messages, tuple[Image.Image, ...]]]) -> list[EncodedPrompt]:
        """Encode prompts, each up to where the answer starts. Each set of pictures is prepared once.

        Raises `UserError` if a picture is rejected by the image processor.
        """
        if not prompts:
            return []
        shown = {id(image): image for _, images in prompts for image in images}
        keys = {of: image_key(image) for of, image in shown.items()}
        image_keys = [tuple(keys[id(image)] for image in images) for _, images in prompts]
        distinct = {key: images for key, (_, images) in zip(image_keys, prompts, strict=True) if images}
        prepared = dict(zip(distinct, self._prepare(list(distinct.values())), strict=True))
        # The same question about many pictures is rendered once: a template takes longer than the tokens.
        written = [repr(messages) for messages, _ in prompts]
        messages_of = {text: messages for text, (messages, _) in zip(written, prompts, strict=True)}
        rendered = {text: self.render(messages, add_generation_prompt=True) for text, messages in messages_of.items()}
        texts = [
            self._expand(rendered[text], prepared[key][0] if key else [])
            for key, text in zip(image_keys, written, strict=True)
        ]
        # As in transformers' own chat encoding: no second bos where the template writes one.
        bos = self.tokenizer.bos_token
        special = not (bos and texts[0].startswith(bos))
        token_ids = self.tokenizer(texts, add_special_tokens=special)["input_ids"]
        return [
            EncodedPrompt(ids, extras, prepared[key][1] if key else {}, key)
            for ids, extras, key in zip(token_ids, self._token_aligned(token_ids), image_keys, strict=True)
        ]

    def _prepare(self, sets: Sequence[tuple[Image.Image, ...]]) -> list[tuple[list[str], dict[str, torch.Tensor]]]:
        """`_prepare_images` of each set of pictures; those that are one picture of the same size go together, because
        a call of the processor costs as much as the picture itself."""
        found: dict[int, tuple[list[str], dict[str, torch.Tensor]]] = {}
        alike: dict[tuple[int, int], list[int]] = {}
        opened = [tuple(map(open_image, images)) for images in sets]
        for place, images in enumerate(opened):
            if len(images) == 1:
                alike.setdefault(images[0].size, []).append(place)
            else:
                found[place] = self._prepare_images([images])
        for places in alike.values():
            for start in range(0, len(places), PREPARED_TOGETHER):
                part = places[start : start + PREPARED_TOGETHER]
                replacements, features = self._prepare_images([opened[place] for place in part])
                # Pictures of one size have the same shape in every family: each has an equal share of the rows.
                if any(len(tensor) % len(part) for tensor in features.values()):
                    found |= {place: self._prepare_images([opened[place]]) for place in part}
                    continue
                shares = {name: tensor.chunk(len(part)) for name, tensor in features.items()}
                for i, place in enumerate(part):
                    own = {name: tensors[i].clone() for name, tensors in shares.items()}
                    found[place] = [replacements[i]], own
        return [found[place] for place in range(len(sets))]

    def _prepare_images(self, sets: Sequence[tuple[Image.Image, ...]]) -> tuple[list[str], dict[str, torch.Tensor]]:
        """(text that replaces each placeholder, vision inputs) of the pictures of prompts."""
        try:
            features = self.processor(
                # Nested: LLaVA-OneVision prepares the pictures of one prompt together, those of several apart.
                images=[list(images) for images in sets],
                text=[self._placeholder * len(images) for images in sets],
                images_kwargs={"return_tensors": "pt"},
                return_text_replacement_offsets=True,
            )
        except (ValueError, RuntimeError, ZeroDivisionError) as error:
            sizes = ", ".join(dict.fromkeys(f"{image.width}x{image.height}" for images in sets for image in images))
            raise UserError(f"The image processor of {self.name} rejects a picture ({sizes}): {error}.") from error
        replacements = [
            entry["replacement"] for entries in features.pop("text_replacement_offsets") for entry in entries
        ]
        for name in ("input_ids", "attention_mask", *TOKEN_ALIGNED):
            features.pop(name, None)
        return replacements, dict(BatchFeature(dict(features), tensor_type="pt"))

    @property
    def _placeholder(self) -> str:
        """The text that stands for one picture in a rendered prompt."""
        return cast(Any, self.processor).image_token

    def _expand(self, text: str, replacements: list[str]) -> str:
        """Replace the i-th placeholder with the i-th replacement."""
        pieces = text.split(self._placeholder)
        if len(pieces) - 1 != len(replacements):
            raise UserError(
                f"The rendered prompt has {len(pieces) - 1} picture placeholders ({self._placeholder}) for "
                f"{len(replacements)} pictures; the text of a question must not contain the placeholder."
            )
        return "".join(part for pair in zip(pieces, [*replacements, ""], strict=True) for part in pair)

    def _token_aligned(self, prompts: list[list[int]]) -> list[dict[str, list[int]]]:
        """Per prompt, token-aligned inputs except the ids, as the processor would return them."""
        if not self.processor.return_mm_token_type_ids:
            return [{} for _ in prompts]
        accepted = inspect.signature(self.base.forward).parameters
        names = [name for name in TOKEN_ALIGNED if name in accepted]
        return [dict.fromkeys(names, types) for types in self.processor.create_mm_token_type_ids(prompts)]


@contextmanager
def evaluating(vlm: VisionLanguageModel) -> Iterator[None]:
    """The model without dropout, and afterwards in whichever mode it was."""
    training = {module for module in vlm.model.modules() if module.training}
    vlm.model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
