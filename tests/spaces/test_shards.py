"""One reading over several members of a group: the bits of one member alone, or an error; never other numbers."""

import numpy as np
import pytest
import torch
from thread_group import each, same_bits, shared
from torch import Tensor

from widthwise.errors import ProgramError, ShardLostError, SpecError
from widthwise.experiments import build
from widthwise.experiments.kernels import kernels
from widthwise.experiments.options import NTK
from widthwise.laws import law
from widthwise.models import MLP
from widthwise.models.layers import affine, normalised
from widthwise.spaces import KetSpace, Shard, Space, avg, first, gathered, gram

STREAM = 1 << 15
SAMPLES = 4 * STREAM
INPUTS = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)
PERCEPTRON = MLP(depth=3, activation="relu", weight_variance=2.0)


def perceptron(space: Space) -> dict[str, Tensor]:
    nngp, ntk = kernels(space, PERCEPTRON(space, INPUTS))
    return {"nngp": nngp, "ntk": ntk}


def normed(space: Space) -> dict[str, Tensor]:
    """Averages that go back into coordinates, of which derivatives are taken; a bias, a rectangular matrix."""
    h = affine(space, 2.0, 0.1, features=3)(space.constant(INPUTS))
    wide = space.dim("wide", 2.0)
    g = affine(space, 1.5, 0.1, rows=wide)(torch.relu(normalised(h, 1e-3)))
    x = affine(space, 1.0, columns=wide)(torch.tanh(normalised(g, 1e-3)))
    nngp, ntk = kernels(space, x, biases=True)
    return {"nngp": nngp, "ntk": ntk}


def attending(space: Space) -> dict[str, Tensor]:
    """Products along coordinates that go back into them."""
    x = affine(space, 1.0, features=3)(space.constant(INPUTS))
    weights = torch.softmax(space.gram(x, affine(space, 1.0)(x)), -1).to(x.dtype)
    nngp, ntk = kernels(space, torch.tanh(weights @ x))
    return {"nngp": nngp, "ntk": ntk}


def outer(space: Space) -> dict[str, Tensor]:
    x, y = space.vectors(2).requires_grad_(), space.vectors(2).requires_grad_()
    c = space.scalar(0.5).requires_grad_()
    z = space.outer(lambda a, b, c: torch.sin(a * b) * c, x, y, scalars=(c[:, None],), tuples=5)
    value = space.avg(z * torch.tanh(x)).sum(-1)
    to_x, to_y = space.backprop(value, x, y, again=True)[0]
    return {"value": value, "scalar": space.derivative(value, c), "signals": torch.cat([gram(to_x), gram(to_y)], 1)}


def orthogonal(space: Space) -> dict[str, Tensor]:
    w, x = space.matrix(law="orthogonal"), space.vectors(3)
    return {"moments": space.gram(torch.relu(w(x)), w.T(torch.tanh(w(x))))}


def leaning(space: Space) -> dict[str, Tensor]:
    """Features by their columns, and a product with the transpose; collinear vectors."""
    w = space.matrix(features=3, law="rademacher")
    x = w(space.constant(INPUTS))
    nearly = torch.cat([x, x * (1 + 1e-6 * torch.tanh(x)), 2 * x], 1)
    return {"back": w.T(torch.relu(x)), "products": space.gram(space.matrix()(nearly))}


@pytest.mark.parametrize("program", [normed, attending, orthogonal, leaning])
def test_shards_have_the_bits_of_one_space(program: object) -> None:
    assert same_bits(program, SAMPLES, (2, 4), seed=1)  # type: ignore[arg-type]


def test_averages_over_tuples_have_the_same_samples() -> None:
    assert same_bits(outer, 2 * STREAM, (2,), dtype=torch.float64)


def test_three_shards_and_no_power_of_two() -> None:
    assert same_bits(normed, 3 * STREAM, (3,), estimator="mc", dtype=torch.float64)


def test_a_ket_integration_at_a_million_samples() -> None:
    assert same_bits(perceptron, 1 << 20, (2, 4))


def test_hats_and_dots_apart() -> None:
    def program(space: Space) -> dict[str, Tensor]:
        w, x = space.matrix(), space.vectors(1).requires_grad_()
        y = torch.tanh(w(x))
        z = normalised(w.T(y), 1e-3)
        return {"kernel": space.gram(torch.cat([w(torch.tanh(z)), x], 1)), "dot": space.gram(w.dot(z))}

    assert same_bits(program, 2 * STREAM, (2,), estimator="derivative")


def test_vectors_are_parts_of_those_of_one_space() -> None:
    laws = ("gaussian", "rademacher", "student_t(5)", "sparse(0.1)", "truncated_normal(2)")
    for estimator in ("rqmc", "mc"):
        whole = KetSpace(4 * STREAM, 2, seed=5, estimator=estimator)  # type: ignore[arg-type]
        expected = torch.cat([whole.vectors(2, law=law(name)) for name in laws], 1)

        def drawn(shard: Shard, estimator: str = estimator) -> Tensor:
            space = KetSpace(4 * STREAM, 2, seed=5, estimator=estimator, shard=shard)  # type: ignore[arg-type]
            with space.together():
                return torch.cat([space.vectors(2, law=law(name)) for name in laws], 1)

        assert torch.equal(torch.cat(each(4, drawn), -1), expected)  # type: ignore[arg-type]


def test_derivatives_of_averages_are_those_of_one_space() -> None:
    """To the second order: of what every member has, its own part; of its own part, what every member has."""

    def program(space: Space) -> dict[str, Tensor]:
        x, u = space.vectors(2).requires_grad_(), space.vectors(2)
        c = space.avg(torch.sin(x)) @ space.gram(x)[0, :, :1].to(x.dtype)
        with space.differentiating():
            (slope,) = torch.autograd.grad(c.sum(), x, create_graph=True)
            (curve,) = torch.autograd.grad(space.avg(slope * u * space.coordinates).sum(), x)
        return {"slope": gram(slope.detach()), "curve": gram(curve)}

    assert same_bits(program, SAMPLES, (2, 4), dtype=torch.float64)


def test_averages_beyond_a_block_are_means() -> None:
    x = torch.randn(2, 3, 30_000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(avg(x), x.double().mean(-1).float(), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(gram(x), x.double() @ x.double().mT / 30_000)
    assert torch.equal(avg(x[..., : 1 << 13]), x[..., : 1 << 13].mean(-1))


def test_samples_of_other_shards() -> None:
    whole = KetSpace(SAMPLES).vectors(2)

    def seen(shard: Shard) -> tuple[Tensor, Tensor]:
        space = KetSpace(SAMPLES, shard=shard)
        with space.together():
            x = space.vectors(2)
            return first(x, 100), gathered(x, x.shape[-1])

    for found in each(4, seen):
        assert not isinstance(found, Exception)
        assert torch.equal(found[0], whole[..., :100])
        assert torch.equal(found[1], whole)


@pytest.mark.parametrize(
    "program",
    [
        lambda space: {"x": space.vector().mean(-1)},
        lambda space: {"x": space.vector().sum(-1) / space.coordinates},
        lambda space: {"x": space.vector().sort(-1).values[..., :3]},
        lambda space: {"x": space.vectors(2) @ space.vectors(2).mT},
        lambda space: {"x": torch.logsumexp(space.vector(), -1)},
        lambda space: {"x": space.vector().std(-1)},
    ],
)
def test_what_each_shard_would_do_alone_is_refused(program: object) -> None:
    found = shared(program, SAMPLES, 2)  # type: ignore[arg-type]
    assert all(isinstance(error, ProgramError) and "acts along the coordinates" in str(error) for error in found)
    assert all("\n" not in str(error) for error in found)


def test_readouts_that_differ_between_shards_are_refused() -> None:
    def program(space: Space) -> dict[str, Tensor]:
        return {"fine": space.avg(space.vector()), "largest": torch.tensor(space.vector().numpy().max())[None]}

    for error in shared(program, SAMPLES, 2):
        assert isinstance(error, ProgramError)
        assert "largest differs between 2 shards" in str(error)


def test_all_tuples_and_features_like_coordinates_are_refused() -> None:
    def tuples(space: Space) -> dict[str, Tensor]:
        x = space.vector()
        return {"x": space.avg(space.outer(lambda a, b: a * b, x, x, tuples=SAMPLES))}

    def features(space: Space) -> dict[str, Tensor]:
        return {"x": space.avg(space.matrix(features=SAMPLES // 2)(space.constant(torch.ones(1, SAMPLES // 2))))}

    for program, words in ((tuples, "tuples"), (features, "constant features")):
        for error in shared(program, SAMPLES, 2):
            assert isinstance(error, ProgramError)
            assert words in str(error)


def test_a_shared_space_is_refused_outside_of_its_group() -> None:
    (shard,) = each(1, lambda shard: shard)
    assert isinstance(shard, Shard)
    with pytest.raises(ProgramError, match="together"):
        KetSpace(SAMPLES, shard=shard).vector()


def test_samples_that_blocks_do_not_divide_are_refused() -> None:
    for error in each(3, lambda shard: KetSpace(SAMPLES, shard=shard)):
        assert isinstance(error, SpecError)
        assert "3 * 32768 = 98304" in str(error)


def test_a_silent_member_is_an_error_of_all_others_in_time() -> None:
    def work(shard: Shard) -> Tensor:
        space = KetSpace(SAMPLES, shard=shard)
        with space.together():
            x = space.vector()
            space.avg(x)
            if shard.index == 1:
                raise InterruptedError
            return space.avg(x * x)

    first, silent, *others = each(4, work, 0.5)
    assert isinstance(silent, InterruptedError)
    for error in (first, *others):
        assert isinstance(error, ShardLostError)
        assert "shard 1 of 4 has failed, or stayed away for more than 0.5 seconds" in str(error)


def test_members_out_of_step_are_an_error() -> None:
    """Another number of averages before, or of other vectors: never a sum of things that do not belong together."""

    def astray(shard: Shard) -> Tensor:
        space = KetSpace(SAMPLES, shard=shard)
        with space.together():
            return space.gram(space.vectors(2 + shard.index))

    def ahead(shard: Shard) -> Tensor:
        space = KetSpace(SAMPLES, shard=shard)
        with space.together():
            x = space.vector()
            return space.avg(x) if shard.index else space.gram(x)

    for work in (astray, ahead):
        for error in each(2, work, 5.0):
            assert isinstance(error, ShardLostError)
            assert "out of step" in str(error)


@pytest.mark.slow
def test_sixteen_million_samples_over_two_shards() -> None:
    """Each holds half; the kernels are those of the closed form within a few standard errors of rqmc."""
    experiment = build("ntk", {"model": PERCEPTRON, "options": NTK()}, INPUTS.numpy()[:2])
    assert experiment.exact is not None
    exact = experiment.exact()
    for found in shared(lambda space: dict(experiment.measure(space)), 1 << 24, 2):
        assert not isinstance(found, Exception)
        for name, value in found.items():
            assert np.linalg.norm(value[0].numpy() - exact[name]) < 2e-5 * np.linalg.norm(exact[name])
