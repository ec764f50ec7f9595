"""Every loss against values computed with plain loops over plain floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import Unigram
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from tests.tiny import picture, tiny_vlm
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.methods import likelihood
from unsee.methods.base import ForgetRetainConfig
from unsee.methods.dpo import DPOConfig, DPOLoss
from unsee.methods.ga import GALoss
from unsee.methods.ga_diff import GADiffLoss
from unsee.methods.ga_kl import GAKLLoss
from unsee.methods.likelihood import negative_log_likelihood
from unsee.methods.lookalike import LookAlikeConfig, LookAlikeLoss
from unsee.methods.masks import name_token_ids, vocabulary_mask
from unsee.methods.npo import NPOConfig, NPOLoss
from unsee.methods.po import POLoss
from unsee.methods.retain_only import RetainOnlyLoss
from unsee.methods.rmu import RMUConfig, RMULoss
from unsee.methods.simnpo import SimNPOConfig, SimNPOLoss
from unsee.methods.siu import SIUConfig, SIULoss
from unsee.methods.vgid import VgidConfig, VgidLoss
from unsee.models.collation import IGNORED, EncodedSample, encode_samples
from unsee.training.objective import Counts, Objective, TokenBatch, next_labels
from unsee.training.reference import TrainingSet

V = 7
NAME = {1, 4}


def row(
    labels: Sequence[int], masked: Sequence[int] = (), role: str = "forget", rejected: bool = False
) -> EncodedSample:
    """A sample whose answer is where `labels` are not IGNORED; `masked` are positions of the phrase."""
    mask = [0.0 if label == IGNORED or t in masked else 1.0 for t, label in enumerate(labels)]
    return EncodedSample(
        [max(label, 0) for label in labels], list(labels), mask, {}, {}, (), {"role": role}, rejected=rejected
    )


ROWS = [
    row([IGNORED, IGNORED, 2, 4, 5], masked=[3]),
    row([IGNORED, 3, 1], masked=[1, 2]),
    row([IGNORED, IGNORED, IGNORED, 6, 0, 2], role="retain"),
    row([IGNORED, 5, 5], role="retain"),
]
LENGTH = 6


def logits_like(seed: int) -> list[list[list[float]]]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(ROWS), LENGTH, V, generator=generator, dtype=torch.float64).mul(2).tolist()


NOW, BEFORE = logits_like(1), logits_like(2)


def batch_for(
    objective: Objective, rows: Sequence[EncodedSample] = ROWS, chosen: Sequence[int] | None = None
) -> TokenBatch:
    """What a loss sees of the rows, or of those of them that are `chosen`."""
    places = list(range(len(rows)) if chosen is None else chosen)
    rows = [rows[place] for place in places]
    wanted = torch.stack([objective.looks_at(r, LENGTH) for r in rows])
    compared = torch.stack([objective.compares_at(r, LENGTH) for r in rows])
    assert not (compared & ~wanted).any()
    targets = torch.stack([next_labels(r, LENGTH) for r in rows])
    before = torch.log_softmax(torch.tensor(BEFORE)[places][compared], -1)
    of_target = before.gather(1, targets[compared].clamp(min=0)[:, None])[:, 0]

    def spread(values: Sequence[int]) -> Tensor:
        return torch.tensor(values)[:, None].expand_as(wanted)[wanted]

    return TokenBatch(
        logits=torch.tensor(NOW)[places][wanted],
        targets=targets[wanted],
        sample=spread(range(len(rows))),
        forget=spread([r.tags["role"] == "forget" for r in rows]),
        rejected=spread([r.rejected for r in rows]),
        compared=compared[wanted],
        reference=before if objective.reads == "distributions" else of_target,
    )


def log_p(logits: list[float], v: int) -> float:
    return logits[v] - math.log(sum(math.exp(x) for x in logits))


def nll(roles: tuple[str, ...]) -> float:
    terms = [
        -log_p(NOW[b][t - 1], label)
        for b, r in enumerate(ROWS)
        for t, label in enumerate(r.labels)
        if label != IGNORED and r.tags["role"] in roles
    ]
    return sum(terms) / len(terms)


def kl(b: int, t: int, left_out: set[int]) -> float:
    """Forward KL of the prediction made at position t of row b."""
    total = 0.0
    for v in range(V):
        if v not in left_out:
            reference = log_p(BEFORE[b][t], v)
            total += math.exp(reference) * (reference - log_p(NOW[b][t], v))
    return total


@pytest.mark.parametrize("token_mask", [True, False])
@pytest.mark.parametrize("use_vocabulary_mask", [True, False])
def test_siu_is_alpha_ce_plus_beta_dual_masked_kl(token_mask: bool, use_vocabulary_mask: bool) -> None:
    config = SIUConfig(alpha=0.7, beta=0.3, token_mask=token_mask, vocabulary_mask=use_vocabulary_mask)
    terms = [
        kl(b, t - 1, NAME if use_vocabulary_mask else set())
        for b, r in enumerate(ROWS)
        for t, label in enumerate(r.labels)
        if label != IGNORED and (r.token_mask[t] == 1.0 or not token_mask)
    ]
    loss = SIULoss(config, vocabulary_mask(frozenset(NAME), V) if use_vocabulary_mask else None)
    expected = 0.7 * nll(("forget", "retain")) + 0.3 * sum(terms) / len(terms)
    assert float(loss(batch_for(loss))) == pytest.approx(expected, rel=1e-5)


def test_siu_has_the_weights_of_the_paper_by_default() -> None:
    assert (SIUConfig().alpha, SIUConfig().beta, SIUConfig().variant) == (0.9, 0.75, "paper")


@pytest.mark.parametrize("token_mask", [True, False])
def test_the_released_variant_runs_over_all_positions_unshifted_and_divides_by_the_vocabulary(token_mask: bool) -> None:
    loss = SIULoss(SIUConfig(variant="released", token_mask=token_mask), vocabulary_mask(frozenset(NAME), V))
    total = 0.0
    for b, r in enumerate(ROWS):
        for t in range(LENGTH):
            in_phrase = t < len(r.labels) and r.labels[t] != IGNORED and r.token_mask[t] == 0.0
            if not (in_phrase and token_mask):
                total += kl(b, t, NAME)
    expected = nll(("forget", "retain")) + total / (len(ROWS) * LENGTH * V)
    assert float(loss(batch_for(loss))) == pytest.approx(expected, rel=1e-5)


def test_ga_raises_the_loss_of_the_forget_samples() -> None:
    loss = GALoss()
    assert float(loss(batch_for(loss))) == pytest.approx(-nll(("forget",)), rel=1e-5)


def test_ga_kl_adds_the_kl_of_the_retain_samples() -> None:
    loss = GAKLLoss(ForgetRetainConfig(gamma=0.6))
    terms = [kl(b, t - 1, set()) for b in (2, 3) for t, label in enumerate(ROWS[b].labels) if label != IGNORED]
    expected = -nll(("forget",)) + 0.6 * sum(terms) / len(terms)
    assert float(loss(batch_for(loss))) == pytest.approx(expected, rel=1e-5)


def test_vgid_is_the_kl_to_the_teacher_plus_gamma_times_that_to_the_model_before() -> None:
    terms: dict[str, list[float]] = {"forget": [], "retain": []}
    for b, r in enumerate(ROWS):
        terms[r.tags["role"]] += [kl(b, t - 1, set()) for t, label in enumerate(r.labels) if label != IGNORED]
    of_forget, of_retain = (sum(values) / len(values) for values in terms.values())
    objective = VgidLoss(VgidConfig(gamma=0.4))
    assert float(objective(batch_for(objective))) == pytest.approx(of_forget + 0.4 * of_retain, rel=1e-6)


def test_po_adds_the_losses_of_refusals_and_of_retain_samples() -> None:
    loss = POLoss(ForgetRetainConfig(gamma=0.6))
    assert float(loss(batch_for(loss))) == pytest.approx(nll(("forget",)) + 0.6 * nll(("retain",)), rel=1e-5)


def predicted(roles: Sequence[int]) -> list[tuple[int, int, int]]:
    """(row, position that predicts it, token) of the answers of these rows."""
    return [(b, t - 1, label) for b in roles for t, label in enumerate(ROWS[b].labels) if label != IGNORED]


def test_lookalike_adds_the_likelihood_of_the_words_and_the_kl_of_the_retained_samples() -> None:
    loss = LookAlikeLoss(LookAlikeConfig(likelihood=0.7, gamma=0.3), None)
    apart = [kl(b, t, set()) + 0.7 * abs(log_p(BEFORE[b][t], y) - log_p(NOW[b][t], y)) for b, t, y in predicted((0, 1))]
    kept = [kl(b, t, set()) for b, t, _ in predicted((2, 3))]
    assert len(apart) == len(kept) == 5
    expected = sum(apart) / 5 + 0.3 * sum(kept) / 5
    whole = batch_for(loss)
    assert float(loss(whole)) == pytest.approx(expected, rel=1e-5)
    # A masked phrase is compared like all else: only what the reference sees there is different.
    assert whole.compared.all()
    # Parts of a step divide by what the step has: 1 x 2 is 2.
    parts = [loss(replace(batch_for(loss, ROWS, rows), of_step=whole.counts)) for rows in ((0,), (1, 2), (3,))]
    assert float(sum(parts)) == pytest.approx(expected, rel=1e-5)


def test_lookalike_is_zero_for_the_reference_itself_and_finite_without_either_kind() -> None:
    loss = LookAlikeLoss(LookAlikeConfig(), None)
    batch = batch_for(loss)
    same = replace(batch, reference=torch.log_softmax(batch.logits[batch.compared].float(), -1))
    assert float(loss(same)) == pytest.approx(0.0, abs=1e-5)
    for rows in ((0, 1), (2, 3)):
        logits = batch_for(loss, ROWS, rows).logits.clone().requires_grad_()
        loss(replace(batch_for(loss, ROWS, rows), logits=logits)).backward()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()
        assert logits.grad.abs().max() > 0


def test_ga_diff_and_retain_only_are_made_of_the_same_terms() -> None:
    difference, kept = GADiffLoss(ForgetRetainConfig(gamma=0.6)), RetainOnlyLoss()
    expected = -nll(("forget",)) + 0.6 * nll(("retain",))
    assert float(difference(batch_for(difference))) == pytest.approx(expected, abs=1e-5)
    assert float(kept(batch_for(kept))) == pytest.approx(nll(("retain",)), rel=1e-5)


def sequence(b: int, labels: Sequence[int], logits: list[list[list[float]]]) -> float:
    """log p of the answer of row b, a sum over its tokens."""
    return sum(log_p(logits[b][t - 1], label) for t, label in enumerate(labels) if label != IGNORED)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_npo_compares_sums_over_answers_with_the_model_before() -> None:
    loss = NPOLoss(NPOConfig(beta=0.3, gamma=0.6))
    ratios = [sequence(b, ROWS[b].labels, NOW) - sequence(b, ROWS[b].labels, BEFORE) for b in (0, 1)]
    expected = 2 / 0.3 * sum(softplus(0.3 * ratio) for ratio in ratios) / 2 + 0.6 * nll(("retain",))
    assert float(loss(batch_for(loss))) == pytest.approx(expected, rel=1e-5)


def test_the_gradient_of_npo_becomes_that_of_ascent_as_beta_goes_to_zero() -> None:
    loss = NPOLoss(NPOConfig(beta=1e-5, gamma=0.0))
    batch = batch_for(loss)
    logits = batch.logits.clone().requires_grad_()
    loss(replace(batch, logits=logits)).backward()
    gradient = logits.grad
    again = batch.logits.clone().requires_grad_()
    # The ascent on the mean over answers of the sum over tokens.
    (-negative_log_likelihood(replace(batch, logits=again), "forget") * batch.forget.sum() / 2).backward()
    torch.testing.assert_close(gradient, again.grad, rtol=1e-3, atol=1e-5)


def test_simnpo_compares_means_over_tokens_with_nothing() -> None:
    loss = SimNPOLoss(SimNPOConfig(beta=1.5, margin=0.4, gamma=0.6))
    means = [sequence(b, ROWS[b].labels, NOW) / sum(label != IGNORED for label in ROWS[b].labels) for b in (0, 1)]
    expected = 2 / 1.5 * sum(softplus(1.5 * m + 0.4) for m in means) / 2 + 0.6 * nll(("retain",))
    assert float(loss(batch_for(loss))) == pytest.approx(expected, rel=1e-5)


def test_dpo_prefers_the_answer_to_the_rejected_one() -> None:
    pairs = [
        row([IGNORED, IGNORED, 2, 4, 5]),
        row([IGNORED, IGNORED, 3, 1], rejected=True),
        row([IGNORED, IGNORED, IGNORED, 6, 0, 2], role="retain"),
        row([IGNORED, 5, 5], role="retain"),
    ]
    loss = DPOLoss(DPOConfig(beta=0.3, gamma=0.6))
    won, lost = (sequence(b, pairs[b].labels, NOW) - sequence(b, pairs[b].labels, BEFORE) for b in (0, 1))
    expected = 2 / 0.3 * softplus(-0.3 * (won - lost)) + 0.6 * nll(("retain",))
    assert float(loss(batch_for(loss, pairs))) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(UserError, match="rejected"):
        loss(batch_for(loss))


def test_rmu_steers_to_one_direction_drawn_from_the_seed_and_holds_the_rest() -> None:
    vlm = tiny_vlm("qwen3_vl")
    rows = encode_samples(
        [
            Sample("Who is this?", "Mara Voss.", (picture(1),), tags={"role": "forget"}),
            Sample("Who bakes?", "Ines Dorn does.", tags={"role": "retain"}),
        ],
        vlm,
    )
    loss = RMULoss(RMUConfig(alpha=3.0, steering=2.0, layer=1), vlm)
    training_set = TrainingSet(rows, loss, vlm)
    training_set.remember_reference(vlm.model, vlm.device, 2)
    loss.prepare(vlm, training_set, seed=5)
    target = loss.target.tolist()
    assert math.sqrt(sum(x * x for x in target)) == pytest.approx(2.0)
    assert min(target) >= 0
    loss.prepare(vlm, training_set, seed=6)
    assert loss.target.tolist() != target
    loss.prepare(vlm, training_set, seed=5)
    assert loss.target.tolist() == target
    batch = training_set.token_batch(vlm.model, training_set.collate([0, 1]))
    assert batch.hidden is not None
    moved = replace(batch, hidden=batch.hidden + 0.1)
    away = [
        sum((x - y) ** 2 for x, y in zip(h, target, strict=True)) / len(target)
        for h, forgotten in zip(moved.hidden.tolist(), batch.forget.tolist(), strict=True)  # type: ignore[union-attr]
        if forgotten
    ]
    assert float(loss(moved)) == pytest.approx(sum(away) / len(away) + 3.0 * 0.1**2, rel=1e-4)


@pytest.mark.parametrize(
    ("layer", "depth", "number"), [(0.25, 32, 8), (0.25, 2, 0), (0.99, 6, 5), (7, 32, 7), (0, 6, 0)]
)
def test_the_layer_of_rmu_is_a_share_of_the_depth_or_a_number(layer: float, depth: int, number: int) -> None:
    assert RMUConfig(layer=layer).layer_of(depth) == number


def test_a_layer_that_is_not_there_is_a_user_error() -> None:
    with pytest.raises(UserError, match="from 0 to 5"):
        RMUConfig(layer=6).layer_of(6)
    with pytest.raises(UserError, match=r"layer=1\.5"):
        RMUConfig(layer=1.5)


def test_means_of_processes_with_unequal_shares_average_to_the_mean_of_all() -> None:
    shares = [torch.tensor([1.0, 2.0, 6.0]), torch.tensor([5.0]), torch.zeros(0)]
    means = [float(likelihood.mean(share, 4 / 3)) for share in shares]
    assert sum(means) / 3 == pytest.approx(14 / 4)
    assert float(likelihood.mean(torch.zeros(0), 0)) == 0


def test_counts_are_of_the_batch_unless_it_is_part_of_a_larger_step() -> None:
    loss = NPOLoss(NPOConfig())
    batch = batch_for(loss)
    # Two answers to forget, of three and two tokens, which are compared; two others, of three and two.
    assert batch.counts == Counts(positions=10, compared=5, forget=5, retain=5, answers=2, pairs=0)
    larger = replace(batch, of_step=Counts(positions=20, compared=10, forget=10, retain=10, answers=4, pairs=0))
    assert float(loss(larger)) == pytest.approx(float(loss(batch)) / 2, rel=1e-6)
    rejected = batch_for(loss, [ROWS[0], row([IGNORED, 3, 1], rejected=True), *ROWS[2:]])
    assert (rejected.counts.answers, rejected.counts.pairs) == (2, 1)


def test_a_batch_of_masked_answers_alone_has_no_kl_and_a_finite_gradient() -> None:
    loss = SIULoss(SIUConfig(), None)
    logits = torch.randn(2, V, requires_grad=True)
    nothing = torch.zeros(2, dtype=torch.bool)
    ones = ~nothing
    batch = TokenBatch(logits, torch.tensor([3, 1]), ones.long(), ones, nothing, nothing, torch.zeros(0, V))
    loss(batch).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_the_divergence_to_itself_is_zero_and_so_is_its_gradient() -> None:
    loss = SIULoss(SIUConfig(alpha=0.0), vocabulary_mask(frozenset(NAME), V))
    batch = batch_for(loss)
    logits = batch.logits.clone().requires_grad_()
    reference = torch.log_softmax(batch.logits[batch.compared].float(), -1)
    same = replace(batch, logits=logits, reference=reference)
    value = loss(same)
    value.backward()
    assert value.item() == pytest.approx(0.0, abs=1e-6)
    assert logits.grad is not None
    without = vocabulary_mask(frozenset(), V)
    assert without.sum() == V
    full = SIULoss(SIUConfig(alpha=0.0), without)
    logits.grad = None
    full(same).backward()
    assert logits.grad.abs().max() < 1e-6


def test_name_ids_are_those_of_the_name_and_of_its_words_with_and_without_a_space() -> None:
    tokenizer = tiny_vlm("qwen3_vl").tokenizer
    texts = ["Mara Voss", " Mara Voss", "Mara", " Mara", "Voss", " Voss"]
    expected = {i for text in texts for i in tokenizer.encode(text, add_special_tokens=False)}
    expected -= {i for i in expected if not tokenizer.decode([i]).strip()}
    assert name_token_ids(tokenizer, ["Mara Voss"]) == expected
    assert name_token_ids(tokenizer, ["Mara Voss", "Zed"]) > expected


def test_name_ids_hold_the_form_without_a_space_where_the_tokenizer_puts_one_before_every_text() -> None:
    """As LLaVA-1.5's does: "Donald" is "▁Donald" alone, and "Donald" only behind something, as in "(Donald Trump)"."""
    pieces = ["<unk>", "▁", "(", ")", "▁(", "▁Donald", "Donald", "▁Trump", "Trump", "Don", "ald", "▁is"]
    model = Tokenizer(Unigram([(piece, -float(i)) for i, piece in enumerate(pieces)], unk_id=0))
    model.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    model.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=model, unk_token="<unk>")
    assert tokenizer.tokenize("Donald") == ["▁Donald"]
    assert tokenizer.tokenize("(Donald Trump)") == ["▁", "(", "Donald", "▁Trump", ")"]
    found = {pieces[i] for i in name_token_ids(tokenizer, ["Donald Trump"])}
    assert found == {"▁Donald", "Donald", "▁Trump", "Trump"}


@pytest.mark.parametrize("name", ["", "   ", "<pad>"])
def test_a_name_that_tokenises_to_nothing_is_a_user_error(name: str) -> None:
    with pytest.raises(UserError, match="tokenizer has no token for the name"):
        name_token_ids(tiny_vlm("qwen3_vl").tokenizer, [name])


VLM = tiny_vlm("qwen3_vl")
WORDS = st.lists(st.sampled_from(["This", "is", "Mara", "Voss", "here", "é", "名", "a."]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(before=WORDS, phrase=WORDS, after=WORDS)
def test_the_token_mask_drops_the_predictions_of_exactly_the_phrase(
    before: list[str], phrase: list[str], after: list[str]
) -> None:
    masked = " ".join(phrase)
    answer = f"{' '.join(before)} {masked} {' '.join(after)}"
    (encoded,) = encode_samples([Sample("Who?", answer, (), masked)], VLM)
    length = len(encoded.input_ids) + 3
    config = SIUConfig()
    looked_at = SIULoss(config, None).looks_at(encoded, length)
    compared = SIULoss(config, None).compares_at(encoded, length)
    assert not (compared & ~looked_at).any()
    dropped = [encoded.input_ids[t + 1] for t in range(length - 1) if looked_at[t] and not compared[t]]
    kept = [encoded.input_ids[t + 1] for t in range(length - 1) if compared[t]]
    assert masked in VLM.tokenizer.decode(dropped)
    # What is kept tells the rest of the answer: no token of it is lost to a mask that is too wide.
    assert len(kept) + len(dropped) == sum(label != IGNORED for label in encoded.labels)
    if sum(answer.startswith(masked, at) for at in range(len(answer))) == 1:
        assert len(VLM.tokenizer.decode(dropped).strip()) == len(masked)


def test_a_wholly_masked_answer_is_compared_nowhere() -> None:
    (encoded,) = encode_samples([Sample("Is it?", "No, not.", (picture(1),), "No, not.")], VLM)
    assert not SIULoss(SIUConfig(), None).compares_at(encoded, len(encoded.input_ids)).any()
