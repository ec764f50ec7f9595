"""`generate`: thousands of probes in, responses out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from unsee.data.sample import MAX_NEW_TOKENS, Probe, Response
from unsee.errors import UserError
from unsee.generation.batching import plan_batches
from unsee.generation.decoding import Answer, decode
from unsee.generation.journal import Journal, fingerprint
from unsee.generation.kv import longest_shared
from unsee.generation.reading import Reader
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel

# Probes are prepared in portions, so that the pixels of thousands of pictures never lie in memory together.
PORTION_ROWS = 4096
PORTION_PICTURES = 128
BATCH_SIZE = 64


def generate(
    vlm: VisionLanguageModel,
    probes: Sequence[Probe],
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
    batch_size: int = BATCH_SIZE,
    logprobs: bool = False,
    progress: bool = True,
    resume_file: Path | None = None,
    cache: VisionCache | None = None,
) -> list[Response]:
    """Ask a model all probes, greedily. The texts are those of `model.generate`, one probe at a time.

    Pictures are encoded once; probes about the same picture share the part of the prompt up to where their questions
    begin to differ (see `kv.longest_shared` for when). Probes that ask the same in the same words are asked once. An
    answer ends at one of `vlm.stop_token_ids`, or is cut (`Response.ended`).

    Args:
        vlm: the model, with its adapter on or off as it is now.
        probes: with unique ids.
        max_new_tokens: most tokens of an answer; one that has not ended by then is cut.
        batch_size: most probes in a batch.
        logprobs: fill `Response.token_logprobs`: natural logarithms, one per generated token, stop token included.
        progress: show a progress bar, if standard error is a terminal.
        resume_file: where answers are kept as they come; an interrupted call with the same arguments goes on there.
        cache: vision features to share with other calls.

    Returns:
        One response per probe, in the order of the probes; texts without special tokens and surrounding white space.

    Raises:
        UserError: two probes have one id, or `resume_file` belongs to something else.
        SystemFailure: `resume_file` cannot be written.
    """
    if len({probe.id for probe in probes}) != len(probes):
        raise UserError("Two probes have the same id; ids must be unique within one call of generate.")
    journal = None
    done: dict[str, Response] = {}
    if resume_file is not None:
        settings = {"max_new_tokens": max_new_tokens, "logprobs": logprobs}
        journal = Journal(resume_file, fingerprint(vlm, probes, **settings))
        done.update(journal.responses)
    pictures = cache or VisionCache(vlm)
    alike: dict[object, list[Probe]] = {}
    for probe in probes:
        if probe.id not in done:
            alike.setdefault((probe.prompt, probe.begun, *map(id, probe.images)), []).append(probe)
    waiting = list(alike.values())
    bar = _progress_bar(progress and bool(waiting))
    try:
        with bar, evaluating(vlm), torch.inference_mode():
            task = bar.add_task("Asking", total=len(probes), completed=len(done))
            for portion in portions([same[0].images for same in waiting]):
                asked = {waiting[i][0].id: waiting[i] for i in portion}
                first = [same[0] for same in asked.values()]
                for said in _ask(vlm, first, pictures, max_new_tokens, batch_size, logprobs):
                    responses = [
                        replace(response, probe_id=probe.id) for response in said for probe in asked[response.probe_id]
                    ]
                    done.update((response.probe_id, response) for response in responses)
                    if journal is not None:
                        journal.add(responses)
                    bar.advance(task, len(responses))
    finally:
        if journal is not None:
            journal.close()
    return [done[probe.id] for probe in probes]


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


def _ask(
    vlm: VisionLanguageModel,
    probes: Sequence[Probe],
    pictures: VisionCache,
    max_new_tokens: int,
    batch_size: int,
    logprobs: bool,
) -> Iterator[list[Response]]:
    """Responses to one portion of probes, batch by batch."""
    prompts = vlm.encode_prompt([(probe.prompt_messages(), probe.images) for probe in probes])
    prompts = [
        prompt.followed_by(_beginning(vlm, probe.begun)) if probe.begun else prompt
        for prompt, probe in zip(prompts, probes, strict=True)
    ]
    reader = Reader(vlm, pictures)
    longest = longest_shared(reader.config) - max_new_tokens
    for rows in plan_batches(prompts, vlm.layout.image_token_ids, batch_size, longest):
        reading = reader.read(rows, room=max_new_tokens)
        answers = decode(
            reader, rows, reading, max_new_tokens=max_new_tokens, stop=vlm.stop_token_ids, logprobs=logprobs
        )
        # Not two caches at once: the next is made before its name is bound anew.
        del reading
        yield [_response(vlm, probes[row.index], answer, logprobs) for row, answer in zip(rows, answers, strict=True)]


def _beginning(vlm: VisionLanguageModel, words: str) -> list[int]:
    """Tokens of the words an answer begins with, without those that would end it."""
    encoded = vlm.encode_answer(words)
    return [token for token, (start, _) in zip(encoded.input_ids, encoded.offsets, strict=True) if start < len(words)]


def _response(vlm: VisionLanguageModel, probe: Probe, answer: Answer, logprobs: bool) -> Response:
    text = vlm.tokenizer.decode(answer.tokens, skip_special_tokens=True).strip()
    return Response(probe.id, text, tuple(answer.logprobs) if logprobs else None, answer.ended)


def portions(pictures: Sequence[tuple[Image.Image, ...]]) -> Iterator[list[int]]:
    """Indices of rows with these pictures, those with the same ones together, in portions that fit into memory."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, images in enumerate(pictures):
        groups.setdefault(tuple(id(image) for image in images), []).append(index)
    portion: list[int] = []
    count = 0
    for key, members in groups.items():
        for start in range(0, len(members), PORTION_ROWS):
            part = members[start : start + PORTION_ROWS]
            if portion and (len(portion) + len(part) > PORTION_ROWS or count + len(key) > PORTION_PICTURES):
                yield portion
                portion, count = [], 0
            portion = portion + part
            count += len(key)
    if portion:
        yield portion


def _progress_bar(wanted: bool) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not (wanted and console.is_terminal))
