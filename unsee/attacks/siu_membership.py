"""SIU's own membership inference: prompts that are read and answered as before (arXiv 2405.12523, section 4.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from unsee.attacks.base import HIDDEN, LOGPROBS, Attack, Found, Material, Target, Trial, Variant, Worst
from unsee.attacks.paraphrase import naming_trials
from unsee.generation import Engine, ask
from unsee.metrics.likelihood import min_k
from unsee.metrics.siu_membership import ROUGE_L, SiuMembership, kept_share, siu_membership

_K = 40


class SiuMembershipInference(Attack):
    """Naming questions about the tested pictures, whose Min-K % (K = 40) under both models is nearly the same: how much
    of the answer before is in the answer after?

    The paper's figure, the ROUGE-L recall of those answers, is in `scores` and `further`. It has no floor: two answers
    share "This is" whoever they name, and a model that never knew has no answer before. So the score counts the words
    that only the concept's name explains (`kept_share`), of which nothing is left where nothing is remembered.

    The released script reads the log-probability of each token one place too late and leaves out values up to .1; this
    one does neither.
    """

    name = "siu_membership"
    version = 1
    level = "quick"
    title = "Read and answered as before (SIU's membership inference)"
    came_back = "prompts were sought that it reads and answers as before"
    needs = (LOGPROBS, HIDDEN)
    source = "2405.12523"
    has_floor = False

    def missing(self, target: Target, material: Material) -> str | None:
        reason = super().missing(target, material)
        if reason or target.state != "after":
            return reason
        before = target.engine.without_adapter()
        if before is None or before.fingerprint() == target.engine.fingerprint():
            return "it needs the model before unlearning next to the one after, as an adapter that can be switched off"
        return None

    def on(self, target: Target, material: Material, seed: int) -> Iterator[Variant]:
        if target.state == "floor" or material.is_floor or not (material.fake_names or material.known_name):
            return
        trials = naming_trials(self.name, material)
        yield Variant("", trials, measured=partial(_measured, trials, material, self.max_new_tokens))


def _measured(trials: Sequence[Trial], material: Material, max_new_tokens: int, engine: Engine) -> Found:
    probes = [trial.probe for trial in trials]
    reference = engine.without_adapter()
    # The model before unlearning is compared with itself, and asked once.
    engines = [engine] if reference is None else [reference, engine]
    familiar = [[min_k(row, _K) for row in one.read_prompts(probes)] for one in engines]
    said = [[r.text for r in ask(one, probes, max_new_tokens=max_new_tokens, progress=False)] for one in engines]
    names, others = material.names, material.fake_names or (material.known_name,)
    pairs, answers = list(zip(familiar[0], familiar[-1], strict=True)), list(zip(said[0], said[-1], strict=True))
    found = siu_membership(pairs, answers, names, others, units=[trial.unit for trial in trials])
    by_wording = {}
    for wording in dict.fromkeys(trial.wording for trial in trials):
        of = [i for i, trial in enumerate(trials) if trial.wording == wording]
        by_wording[wording] = siu_membership([pairs[i] for i in of], [answers[i] for i in of], names, others).kept.value
    kept = [kept_share(before, after, names, others) for before, after in answers]
    most = max(range(len(trials)), key=lambda i: kept[i])
    worst = Worst(
        probes[most].prompt, answers[most][1], int(probes[most].tags["picture"]), trials[most].leaks(answers[most][1])
    )
    scores = {} if found.overlap is None else {ROUGE_L: found.overlap}
    return Found(found.kept, by_wording, worst, further=_further(found), scores=scores)


def _further(found: SiuMembership) -> dict[str, float]:
    further = {"questions that look as familiar as before, %": found.suspicious.value}
    if found.overlap is not None:
        further["of the answers before, in the answers to those (ROUGE-L recall), %"] = found.overlap.value
    return further
