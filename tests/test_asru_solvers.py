"""Stage 1 of ASRU: the change of the down-projection, against solutions found in other ways."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unsee.errors import UserError
from unsee.methods.asru.passage import Passage
from unsee.methods.asru.solvers import GradientSolver, RidgeSolver, Solver, low_rank

WIDTH, HEIGHT = 24, 7
STRAIGHT = Passage(nn.Linear(WIDTH, HEIGHT))


@pytest.fixture
def sets() -> tuple[Tensor, Tensor, Tensor]:
    """Inputs to forget [9, I] and to retain [30, I], and a shift [H]."""
    generator = torch.Generator().manual_seed(5)
    forget = torch.randn(9, WIDTH, generator=generator) + 1
    return forget, torch.randn(30, WIDTH, generator=generator), torch.randn(HEIGHT, generator=generator)


def solved(solver: Solver, forget: Tensor, retain: Tensor, shift: Tensor) -> Tensor:
    solver.add(forget, "forget")
    solver.add(retain, "retain")
    return solver.solve(shift)


def dense(forget: Tensor, retain: Tensor, shift: Tensor, ridge: float, weight: float) -> np.ndarray:
    """The same minimum by stacking everything into one least-squares problem with a row for every pull to 0."""
    f, r, u = forget.double().numpy(), retain.double().numpy(), shift.double().numpy()
    mean_eigenvalue = ((f**2).sum() / len(f) + weight * (r**2).sum() / len(r)) / WIDTH
    rows = np.vstack(
        [f / np.sqrt(len(f)), r * np.sqrt(weight / len(r)), np.eye(WIDTH) * np.sqrt(ridge * mean_eigenvalue)]
    )
    wanted = np.vstack([np.tile(u, (len(f), 1)) / np.sqrt(len(f)), np.zeros((len(r) + WIDTH, HEIGHT))])
    return np.linalg.lstsq(rows, wanted, rcond=None)[0].T


@pytest.mark.parametrize(("ridge", "weight"), [(1e-3, 1.0), (0.3, 1.0), (1e-2, 4.0), (1e-2, 0.0)])
def test_ridge_is_the_dense_least_squares_solution(
    sets: tuple[Tensor, Tensor, Tensor], ridge: float, weight: float
) -> None:
    found = solved(RidgeSolver(STRAIGHT, ridge, weight, 1.0), *sets)
    np.testing.assert_allclose(found.numpy(), dense(*sets, ridge, weight), rtol=1e-4, atol=1e-6)


def test_another_strength_is_solved_without_a_second_factorisation_and_more_inputs_are_not(
    sets: tuple[Tensor, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget, retain, shift = sets
    solver, factorise, count = RidgeSolver(STRAIGHT, 1e-2, 1.0, 1.0), torch.linalg.cholesky, []
    monkeypatch.setattr(torch.linalg, "cholesky", lambda system: count.append(1) or factorise(system))
    once, twice = solved(solver, forget, retain, shift), solver.solve(2 * shift)
    assert len(count) == 1
    np.testing.assert_allclose(twice.numpy(), dense(forget, retain, 2 * shift, 1e-2, 1.0), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(twice, 2 * once)
    solver.add(retain[:5], "retain")
    more = torch.cat([retain, retain[:5]])
    np.testing.assert_allclose(solver.solve(shift), dense(forget, more, shift, 1e-2, 1.0), rtol=1e-4, atol=1e-6)


def test_inputs_unlike_both_sets_are_left_alone(sets: tuple[Tensor, Tensor, Tensor]) -> None:
    forget, retain, shift = sets
    forget[:, WIDTH // 2 :] = 0
    retain[:, WIDTH // 2 :] = 0
    change = solved(RidgeSolver(STRAIGHT, 1e-3, 1.0, 1.0), forget, retain, shift)
    elsewhere = torch.zeros(5, WIDTH)
    elsewhere[:, WIDTH // 2 :] = torch.randn(5, WIDTH // 2)
    assert (elsewhere @ change.T).abs().max() == 0
    assert (forget @ change.T).abs().max() > 0.1


def test_answers_are_one_more_set_to_hold_with_a_weight_of_their_own(sets: tuple[Tensor, Tensor, Tensor]) -> None:
    forget, retain, shift = sets
    answers = torch.randn(100, WIDTH, generator=torch.Generator().manual_seed(8)) * 2
    solver = RidgeSolver(STRAIGHT, 1e-2, 2.0, 0.5)
    solver.add(answers[:60], "answers")
    solver.add(answers[60:], "answers")
    found = solved(solver, *sets)
    # One set whose mean of x x^T, times 2, is 2 R + A / 2.
    both = torch.cat([retain * (130 / 30) ** 0.5, answers * (130 / 100 / 4) ** 0.5])
    np.testing.assert_allclose(found.numpy(), dense(forget, both, shift, 1e-2, 2.0), rtol=1e-4, atol=1e-6)
    without = solved(RidgeSolver(STRAIGHT, 1e-2, 2.0, 0.5), *sets)
    assert (answers @ found.T).square().sum() < (answers @ without.T).square().sum()
    by_steps = GradientSolver(STRAIGHT, 2.0, 0.5, rate=1e-2, batch=4, epochs=20, seed=0)
    by_steps.add(answers, "answers")
    assert not torch.equal(solved(by_steps, *sets), torch.zeros(HEIGHT, WIDTH))


def test_a_stronger_pull_changes_less(sets: tuple[Tensor, Tensor, Tensor]) -> None:
    norms = [float(solved(RidgeSolver(STRAIGHT, ridge, 1.0, 1.0), *sets).norm()) for ridge in (1e-3, 1e-1, 10.0)]
    assert norms == sorted(norms, reverse=True)


def test_streaming_gives_what_all_at_once_gives_and_keeps_no_sample(sets: tuple[Tensor, Tensor, Tensor]) -> None:
    forget, retain, shift = sets
    whole = solved(RidgeSolver(STRAIGHT, 1e-3, 1.0, 1.0), forget, retain, shift)
    streaming = RidgeSolver(STRAIGHT, 1e-3, 1.0, 1.0)

    def kept() -> int:
        return sum(v.numel() for v in vars(streaming)["_squares"].values()) + vars(streaming)["_sum"].numel()

    streaming.add(retain[:7], "retain")
    streaming.add(forget[:2], "forget")
    size = kept()
    for rows in forget[2:].split(3):
        streaming.add(rows, "forget")
    for rows in retain[7:].split(4):
        streaming.add(rows, "retain")
    assert kept() == size == 2 * WIDTH**2 + WIDTH
    found = streaming.solve(shift)
    torch.testing.assert_close(found, whole, rtol=1e-6, atol=1e-8)


def test_enough_gradient_steps_come_to_the_minimum_of_the_same_loss(sets: tuple[Tensor, Tensor, Tensor]) -> None:
    forget, retain, shift = sets
    batch = len(retain)
    stepping = GradientSolver(STRAIGHT, 1.0, 1.0, rate=1e-2, batch=batch, epochs=1000, seed=0)
    by_steps = solved(stepping, forget, retain, shift)
    in_closed_form = solved(RidgeSolver(STRAIGHT, 1e-9, 1.0, 1.0), forget, retain, shift)

    def loss(change: Tensor) -> float:
        missed = (forget @ change.T - shift).square().sum(1).mean()
        return float(missed + (retain @ change.T).square().sum(1).mean())

    assert loss(by_steps) == pytest.approx(loss(in_closed_form), rel=0.05)


@pytest.fixture
def normed() -> Passage:
    """A down-projection whose output goes through a norm with weights of its own."""
    generator = torch.Generator().manual_seed(3)
    down, norm = nn.Linear(WIDTH, HEIGHT), nn.RMSNorm(HEIGHT)
    for weight in (down.weight, down.bias, norm.weight):
        weight.data = torch.randn(weight.shape, generator=generator).abs() + 0.5 * (weight is norm.weight)
    return Passage(down.requires_grad_(False), (norm.requires_grad_(False),))


@pytest.mark.parametrize("size", [0.3, 1.0, 3.0])
def test_through_a_norm_what_is_wanted_is_the_nearest_that_can_be_had(
    normed: Passage, sets: tuple[Tensor, Tensor, Tensor], size: float
) -> None:
    forget, _, shift = sets
    shift = size * shift
    now = normed.outputs(forget)
    reached = normed.added(now + normed.wanted(forget, shift)) - normed.added(now)
    missed = (reached - shift).square().sum(1)
    # Of many other outputs none comes nearer.
    tried = torch.randn(20000, HEIGHT, generator=torch.Generator().manual_seed(1))
    nearest = torch.cdist(normed.added(now) + shift, normed.added(tried)).square().amin(1)
    assert (missed <= nearest + 1e-4).all()


@pytest.mark.parametrize("solver", ["ridge", "gradient"])
def test_both_solvers_reach_through_a_norm(normed: Passage, sets: tuple[Tensor, Tensor, Tensor], solver: str) -> None:
    forget, retain, shift = sets
    retain = retain[:6]

    def missed(change: Tensor) -> tuple[float, float]:
        size = shift.square().sum()
        miss = (normed.moved(forget, change) - shift).square().sum(1).mean() / size
        return float(miss), float(normed.moved(retain, change).square().sum(1).mean() / size)

    def made(passage: Passage) -> Solver:
        if solver == "ridge":
            return RidgeSolver(passage, 1e-6, 1.0, 1.0)
        return GradientSolver(passage, 1.0, 1.0, rate=3e-2, batch=9, epochs=600, seed=0)

    now = normed.outputs(forget)
    best = normed.added(now + normed.wanted(forget, shift)) - normed.added(now) - shift
    floor = float(best.square().sum(1).mean() / shift.square().sum())
    through, straight = (missed(solved(made(passage), forget, retain, shift)) for passage in (normed, STRAIGHT))
    assert through[0] <= floor + 0.05
    assert through[1] <= 0.05
    assert through[0] < straight[0]


def test_the_gradient_solver_depends_on_its_seed_alone(sets: tuple[Tensor, Tensor, Tensor]) -> None:
    changes = [solved(GradientSolver(STRAIGHT, 1.0, 1.0, 1e-3, 2, 2, seed), *sets) for seed in (0, 0, 1)]
    assert torch.equal(changes[0], changes[1])
    assert not torch.equal(changes[0], changes[2])


def test_a_ridge_solution_has_rank_one(sets: tuple[Tensor, Tensor, Tensor]) -> None:
    change = solved(RidgeSolver(STRAIGHT, 1e-3, 1.0, 1.0), *sets)
    factors = low_rank(change)
    assert factors is not None
    assert [tuple(part.shape) for part in factors] == [(HEIGHT, 1), (1, WIDTH)]
    torch.testing.assert_close(factors[0] @ factors[1], change, rtol=1e-4, atol=1e-6)


def test_the_rank_is_the_smallest_that_is_exact_enough() -> None:
    generator = torch.Generator().manual_seed(1)
    left, right = torch.randn(40, 3, generator=generator), torch.randn(3, 60, generator=generator)
    noise = torch.randn(40, 60, generator=generator)
    factors = low_rank(left @ right)
    assert factors is not None
    assert factors[0].shape == (40, 3)
    torch.testing.assert_close(factors[0] @ factors[1], left @ right, rtol=1e-4, atol=1e-4)
    coarse = low_rank(left @ right + 1e-4 * noise, tolerance=1e-2)
    assert coarse is not None
    assert coarse[0].shape == (40, 3)
    assert low_rank(left @ right + noise) is None


@pytest.mark.parametrize("missing", ["forget", "retain"])
def test_an_empty_set_is_named(sets: tuple[Tensor, Tensor, Tensor], missing: str) -> None:
    for solver in (RidgeSolver(STRAIGHT, 1e-3, 1.0, 1.0), GradientSolver(STRAIGHT, 1.0, 1.0, 1e-3, 2, 1, 0)):
        solver.add(sets[0], "retain" if missing == "forget" else "forget")
        with pytest.raises(UserError, match=f"no prompts to {missing}"):
            solver.solve(sets[2])
