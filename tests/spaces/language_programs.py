"""Programs that use all of the language, shared by the tests of its readings and of its check."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.autograd import forward_ad

from widthwise.spaces import Space

Program = Callable[[Space], Mapping[str, Tensor]]


def semicircle(space: Space) -> Mapping[str, Tensor]:
    """Moments 1 to 14 of (W + W^T) / sqrt 2 seen from a random vector: the Catalan numbers."""
    W, powers = space.matrix(), [space.vector()]
    for _ in range(7):
        powers.append((W(powers[-1]) + W.T(powers[-1])) / 2**0.5)
    return {"moments": torch.cat([space.gram(powers[k // 2], powers[k - k // 2])[:, 0] for k in range(1, 15)], 1)}


def marchenko_pastur(ratio: float) -> Program:
    """Moments 1 to 6 of W W^T, W with ``ratio`` times as many rows as columns."""

    def program(space: Space) -> Mapping[str, Tensor]:
        rows = space.dim("rows", ratio)
        W, v = space.matrix(rows), space.vector(rows)
        powers = [v]
        for _ in range(3):
            powers.append(W(W.T(powers[-1])))
        return {"moments": torch.cat([space.gram(powers[k // 2], powers[k - k // 2])[:, 0] for k in range(1, 7)], 1)}

    return program


def tied(space: Space) -> Mapping[str, Tensor]:
    """One matrix and its transpose, three times through nonlinearities: dots of dots."""
    W, v = space.matrix(variance=1.5), space.vectors(2)
    x = v
    for _ in range(3):
        h = torch.tanh(W(x))
        x = torch.tanh(h) + 0.5 * torch.tanh(W.T(h * x)) + 0.3 * v
    return {"kernel": space.gram(x), "overlap": space.gram(x, v)}


def layer_norm(space: Space) -> Mapping[str, Tensor]:
    """Layer norm and its backpropagation: vectors depend on each other through averages, which make no dots."""
    W, z = space.matrix(variance=1.5), space.vectors(2).requires_grad_()
    h = W(z)
    y = torch.tanh(W(torch.tanh(h))) + h
    centred = y - space.avg(y)[..., None]
    y = centred / torch.sqrt(space.avg(centred**2) + 0.1)[..., None]
    f = space.avg(torch.sin(y) * y + 0.3 * y**3 + y * z)
    (signal,), factors = space.backprop(f, z)
    return {
        "f": f,
        "signal and input": space.gram(z, signal),
        "signals": space.gram(signal),
        "gradient": torch.stack([space.gram(each.left, each.right) for each in factors]).sum(0),
    }


def rectangular(space: Space) -> Mapping[str, Tensor]:
    """Two matrices between classes of ratios 2 and 1/2, both ways, with backpropagation."""
    a, b = space.dim("a", 2.0), space.dim("b", 0.5)
    W, V = space.matrix(a, b, variance=1.3), space.matrix(b, a, variance=0.7)
    z = space.vectors(2, b).requires_grad_()
    h = W(z)
    x = torch.tanh(V(torch.tanh(h))) + 0.4 * W.T(torch.sin(h) * h)
    f = space.avg(torch.tanh(V.T(x) + h) * h)
    (at_z, at_h), factors = space.backprop(f, z, h)
    return {
        "f": f,
        "at z": space.gram(z, at_z),
        "at h": space.gram(h, at_h),
        "hidden": space.gram(x),
        "factors": torch.cat([torch.cat([space.gram(each.left), space.gram(each.right)]) for each in factors], 0)
        .unflatten(0, (-1, space.replicates))
        .movedim(0, 1),
    }


def with_outer(space: Space) -> Mapping[str, Tensor]:
    """Outer nonlinearities of orders 1 and 2 between products, with a scalar and backpropagation through them."""
    W, z = space.matrix(variance=1.5), space.vectors(2).requires_grad_()
    h = W(z)
    y = space.outer(lambda x, u, c: torch.tanh(x * u + c), h, h, scalars=(space.avg(h * h),), tuples=64)
    w = space.outer(lambda x, u, v: torch.tanh(x + u) * torch.tanh(u + v), z, h, y, tuples=64)
    g = W.T(y + w)
    f = space.avg(torch.tanh(g) * z)
    (signal,), _ = space.backprop(f, z)
    return {
        "outer": space.gram(torch.cat([y, w], 1)),
        "back": space.gram(g, z),
        "signals": space.gram(torch.cat([z, signal], 1)),
    }


def gradient_independence(space: Space) -> Mapping[str, Tensor]:
    """TP0 section 6: the gradient of avg((W z)^2) along z is 2, with an independent copy for the transpose 0."""
    W, z = space.matrix(), space.vector().requires_grad_()
    h = W(z)
    (signal,), _ = space.backprop(space.avg(h * h), z)
    return {"tied": space.gram(z, signal), "copy": space.gram(z, 2 * space.matrix().T(h))}


def laws(space: Space) -> Mapping[str, Tensor]:
    """Matrices, vectors and features of other laws, whose features are differentiated in a class of ratio 2."""
    a = space.dim("a", 2.0)
    W, v = space.matrix(space.dim("n"), a, law="rademacher"), space.vectors(2, law="laplace")
    features = space.constant(torch.tensor([[1.0, -0.5, 2.0]])).clone().requires_grad_()
    h = space.matrix(a, features=3, law="uniform")(features)
    f = space.avg(torch.tanh(W(torch.sin(h)) + v[:, :1]) * v[:, 1:]) + space.avg(torch.sin(h) * h)
    (gradient,) = torch.autograd.grad(f.sum(), features, create_graph=True)
    return {"f": f, "gradient": gradient, "fourth": space.avg(v**4 * torch.exp(-v.abs()))}


def orthogonal(space: Space) -> Mapping[str, Tensor]:
    """A Haar matrix, its transpose and a Gaussian matrix between them, in two classes of one ratio."""
    a = space.dim("a")
    W, V, x = space.matrix(a, law="orthogonal", variance=1.2), space.matrix(a), space.vectors(2)
    y = torch.tanh(W(x)) + 0.5 * V(x)
    z = torch.tanh(W.T(y)) + W.T(V(x))
    return {"kernel": space.gram(z), "overlap": space.gram(z, x), "there": space.gram(W(torch.sin(z)), y)}


def moving(space: Space) -> Mapping[str, Tensor]:
    """A matrix on its way from one law to another, the derivative along the way, and an initial scalar."""
    time = torch.full((space.replicates, 1, 1), 0.3, dtype=space.dtype, requires_grad=True)
    A, v, c = space.interpolated(time, variance=1.2), space.vectors(2), space.scalar(0.5, noise=0.2)
    h = torch.tanh(A(v) + c[:, None, None])
    f = space.avg(torch.sin(A.T(h) + v) * v)
    return {"f": f, "derivative": space.derivative(f, time), "rate": space.gram(A.rate(h))}


def tangents(space: Space) -> Mapping[str, Tensor]:
    """Forward mode: a Jacobian along a vector, through a matrix and its transpose."""
    W, x, v = space.matrix(variance=1.3), space.vector(), space.vector()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, v)
        h = torch.tanh(W(dual))
        y = torch.tanh(W.T(h) + dual)
        (inner, at_inner), (outer, at_outer) = map(forward_ad.unpack_dual, (y, torch.sin(W(y * h))))
        return {
            "size": torch.cat([space.gram(at_inner), space.gram(at_outer)], 1),
            "along": torch.cat([space.gram(at_inner, v), space.gram(at_outer, v)], 1),
            "across": torch.cat([space.gram(at_inner, inner), space.gram(at_outer, outer)], 1),
        }


PROGRAMS: Mapping[str, Program] = {
    "semicircle": semicircle,
    "marchenko_pastur 1/2": marchenko_pastur(0.5),
    "marchenko_pastur 1": marchenko_pastur(1.0),
    "marchenko_pastur 2": marchenko_pastur(2.0),
    "tied": tied,
    "layer_norm": layer_norm,
    "rectangular": rectangular,
    "with_outer": with_outer,
    "gradient_independence": gradient_independence,
    "laws": laws,
    "orthogonal": orthogonal,
    "moving": moving,
    "tangents": tangents,
}
