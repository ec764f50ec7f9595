"""How the down-projection of one layer is changed so that forget prompts move and everything else stays.

With x the input of the down-projection at the last prompt token and u = lambda * v the shift that is wanted, both
solvers look for the change D of its weight W that makes

    J(D) = mean over forget |D x - u|^2 + w * mean over retain |D x|^2 [+ a * mean over answers |D x|^2]

small: the residual stream after the layer changes by D x, or, where a norm follows the down-projection, by what that
makes of it (`Passage.moved`). Nothing before the layer depends on D, so x is read once. The last term is ours: x at the
tokens of retained answers, because D acts there too.

`RidgeSolver` minimises J(D) + r * |D|^2 in closed form. Where a norm follows, each prompt to forget has in place of u
the change of the output that brings the stream nearest to u (`Passage.wanted`), and J is taken before the norm. The
pull is on the change and not on the weight, so inputs that are unlike all of these are left alone: D x is 0 for
whatever is orthogonal to them.

`GradientSolver` takes the steps of the released code, through what follows: Adam, few epochs, small batches.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal, cast

import torch
from torch import Tensor

from unsee.errors import UserError
from unsee.methods.asru.passage import Passage

Part = Literal["forget", "retain", "answers"]


class Solver(ABC):
    """Takes inputs [B, I] in any order and number, then solves for the shift u [H]."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage

    @abstractmethod
    def add(self, inputs: Tensor, part: Part) -> None:
        """Take inputs at the last token of forget or of retain prompts, or at tokens of retained answers."""

    @abstractmethod
    def solve(self, shift: Tensor) -> Tensor:
        """The change D [H, I], float32. Raises UserError if there is nothing to forget or nothing to retain."""


class RidgeSolver(Solver):
    """Sums x x^T and x as the inputs come, in float64: memory depends on I alone, but for forget prompts before a norm.

    As every forget prompt is to move by the same u, the minimum is the outer product D = u y^T, of rank one, with

        y = S^-1 m,  S = F + w * R [+ a * A] + r * I

    where F, R and A are the means of x x^T over forget, retain and answers, and m the mean of x over forget. r is
    `ridge` times the mean eigenvalue of what it is added to, so that it means the same in every model. Where a norm
    follows, prompts are to move by u_x each, and D is the mean of u_x x^T over forget, times S^-1.
    """

    def __init__(self, passage: Passage, ridge: float, retain_weight: float, answers_weight: float) -> None:
        super().__init__(passage)
        self.ridge, self.weights = ridge, _weights(retain_weight, answers_weight)
        self._counts: dict[Part, int] = {}
        self._squares: dict[Part, Tensor] = {}
        self._sum: Tensor | None = None
        self._forget: list[Tensor] = []
        self._factor: Tensor | None = None

    def add(self, inputs: Tensor, part: Part) -> None:
        if not len(inputs):
            return
        self._factor = None
        x = inputs.to(inputs.device if inputs.is_cuda else "cpu", torch.float64)
        if part not in self._squares:
            self._squares[part] = x.new_zeros(x.shape[1], x.shape[1])
        self._squares[part].addmm_(x.T, x)
        self._counts[part] = self._counts.get(part, 0) + len(x)
        if part == "forget":
            self._sum = x.sum(0) if self._sum is None else self._sum + x.sum(0)
            if self.passage.through:
                self._forget.append(inputs.float())

    def solve(self, shift: Tensor) -> Tensor:
        # Only u depends on the shift: other strengths cost no second factorisation.
        if self._factor is None:
            self._factor = self._factorised()
        assert self._sum is not None
        count = self._counts["forget"]
        if not self.passage.through:
            y = torch.cholesky_solve(self._sum[:, None] / count, self._factor)[:, 0]
            return torch.outer(shift.to(y), y).float()
        x = torch.cat(self._forget)
        by = self.passage.wanted(x, shift.to(x))
        return torch.cholesky_solve((x.T @ by).to(self._factor) / count, self._factor).T.float()

    def _factorised(self) -> Tensor:
        """[I, I] the Cholesky factor of S."""
        _check_counts(self._counts)
        means = {part: self._squares[part] / count for part, count in self._counts.items()}
        system = means["forget"] + sum(weight * means[part] for part, weight in self.weights.items() if part in means)
        system.diagonal().add_(self.ridge * system.diagonal().mean())
        return torch.linalg.cholesky(system)


class GradientSolver(Solver):
    """Keeps all inputs and takes a step of Adam for each `batch` of every part, the shorter ones over and over.

    An epoch is one round of forget or retain prompts, whichever are more. The inputs are read once and not at every
    step, as the released code does: they never change.
    """

    def __init__(
        self,
        passage: Passage,
        retain_weight: float,
        answers_weight: float,
        rate: float,
        batch: int,
        epochs: int,
        seed: int,
    ) -> None:
        super().__init__(passage)
        self.weights = _weights(retain_weight, answers_weight)
        self.rate, self.batch, self.epochs, self.seed = rate, batch, epochs, seed
        self._inputs: dict[Part, list[Tensor]] = {}

    def add(self, inputs: Tensor, part: Part) -> None:
        if len(inputs):
            self._inputs.setdefault(part, []).append(inputs.float())

    def solve(self, shift: Tensor) -> Tensor:
        _check_counts({part: len(inputs) for part, inputs in self._inputs.items()})
        x = {part: torch.cat(inputs) for part, inputs in self._inputs.items()}
        shift = shift.to(x["forget"])
        change = torch.zeros(len(shift), x["forget"].shape[1], device=shift.device, requires_grad=True)
        optimizer = torch.optim.Adam([change], lr=self.rate)
        generator = torch.Generator().manual_seed(self.seed)
        steps = -(-max(len(x["forget"]), len(x["retain"])) // self.batch)
        for _ in range(self.epochs):
            orders = {part: _order(len(rows), steps * self.batch, generator) for part, rows in x.items()}
            for start in range(0, steps * self.batch, self.batch):
                batch = {part: x[part][order[start : start + self.batch]] for part, order in orders.items()}
                loss = (self.passage.moved(batch["forget"], change) - shift).square().sum(1).mean()
                for part, weight in self.weights.items():
                    if part in batch:
                        loss = loss + weight * self.passage.moved(batch[part], change).square().sum(1).mean()
                optimizer.zero_grad()
                cast(Tensor, loss).backward()
                optimizer.step()
        return change.detach()


def low_rank(change: Tensor, tolerance: float = 1e-5) -> tuple[Tensor, Tensor] | None:
    """Factors [H, k] and [k, I] whose product is `change` up to `tolerance` of its norm, k as small as possible.

    None where they would take as much room as the change itself.
    """
    height, width = change.shape
    norm, most = torch.linalg.norm(change), height * width // (height + width)
    rank = min(4, most)
    while rank >= 1:
        with torch.random.fork_rng(devices=[change.device] if change.is_cuda else []):
            torch.manual_seed(0)
            u, s, v = torch.svd_lowrank(change, q=rank)
        # What is left when the first k are taken: the rest of the spectrum, and what no singular value here covers.
        uncovered = torch.linalg.norm(change - (u * s) @ v.T)
        left = torch.cat([s.square().flip(0).cumsum(0).flip(0), s.new_zeros(1)]).add(uncovered.square()).sqrt()
        enough = (left <= tolerance * norm).nonzero()
        if len(enough):
            k = max(1, int(enough[0]))
            return u[:, :k] * s[:k], v[:, :k].T
        if rank == most:
            break
        rank = min(2 * rank, most)
    return None


def _weights(retain: float, answers: float) -> dict[Part, float]:
    return {"retain": retain, "answers": answers}


def _order(rows: int, count: int, generator: torch.Generator) -> Tensor:
    """`count` numbers of rows, each row once before any comes again."""
    rounds = [torch.randperm(rows, generator=generator) for _ in range(-(-count // rows))]
    return torch.cat(rounds)[:count]


def _check_counts(counts: Mapping[Part, int]) -> None:
    for part in ("forget", "retain"):
        if part not in counts:
            raise UserError(f"Stage 1 of asru has no prompts to {part}; give at least one.")
