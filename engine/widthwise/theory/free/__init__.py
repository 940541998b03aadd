"""Free probability: spectra of products of free matrices, such as the Jacobians of wide networks."""

from widthwise.theory.free.blocks import BlockSpectrum, block_spectrum
from widthwise.theory.free.chain import Chain, diagonal, weights
from widthwise.theory.free.measure import Measure, cauchy_transform, empirical, moment_transform
from widthwise.theory.free.slopes import slope_law
from widthwise.theory.free.spectrum import Spectrum, spectrum

__all__ = [
    "BlockSpectrum",
    "Chain",
    "Measure",
    "Spectrum",
    "block_spectrum",
    "cauchy_transform",
    "diagonal",
    "empirical",
    "moment_transform",
    "slope_law",
    "spectrum",
    "weights",
]
