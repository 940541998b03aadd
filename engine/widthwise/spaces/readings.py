"""The two readings of a program: at width n, and at infinity."""

import torch

from widthwise.spaces.holding import Holding
from widthwise.spaces.numbers import Estimator, finite_numbers, ket_numbers
from widthwise.spaces.shard import Shard, slice_of
from widthwise.spaces.space import Space


class FiniteSpace(Space):
    """The reading at width ``n``: ``trials`` independent networks, trials ``first``, ``first + 1``, ... of the seed.

    A trial's numbers depend on the seed, the width and its own index only.
    """

    def __init__(
        self,
        n: int,
        trials: int = 1,
        *,
        seed: int = 0,
        first: int = 0,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        matrix: Holding = "auto",
    ) -> None:
        device = torch.device(device)
        super().__init__(
            coordinates=n,
            replicates=trials,
            numbers=finite_numbers(seed, n, range(first, first + trials), device),
            reading="finite",
            dtype=dtype,
            device=device,
            holding=matrix,
        )


class KetSpace(Space):
    """The reading at infinite width: every ket by ``samples`` samples, ``replicates`` independent integrations.

    ``estimator`` is ``"rqmc"`` (one scrambled Sobol sequence a replicate), ``"mc"`` (pseudo-random), or
    ``"derivative"`` (Sobol again, hats and dots apart). Matrices of the first two are revealed ones: the samplewise
    form of the dot is that of TP4b 2.6.5 by Stein's lemma; the third takes the dot by its definition, which is slower
    and needs differentiable nonlinearities: a check of the others.

    With a ``shard`` this is one of several spaces that have the same number of samples each and together ``samples``:
    every member of the group runs the program, all within ``with space.together():``, and all get the same numbers,
    those of a single space.

    Raises:
        SpecError: the samples of a shard are no multiple of 2**15.
    """

    def __init__(
        self,
        samples: int,
        replicates: int = 1,
        *,
        seed: int = 0,
        first: int = 0,
        estimator: Estimator = "rqmc",
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        shard: Shard | None = None,
    ) -> None:
        device = torch.device(device)
        slice_ = None if shard is None else slice_of(shard, samples)
        super().__init__(
            coordinates=samples,
            replicates=replicates,
            numbers=ket_numbers(estimator, seed, range(first, first + replicates), slice_, device),
            reading="derivative" if estimator == "derivative" else "limit",
            dtype=dtype,
            device=device,
            slice_=slice_,
        )
