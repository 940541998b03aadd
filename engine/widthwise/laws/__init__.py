"""Laws of the entries of random matrices and vectors, all of mean 0 and variance 1."""

from widthwise.laws.names import Law, adopt_laws, law, law_names, registered_laws, require_law

__all__ = ["Law", "adopt_laws", "law", "law_names", "registered_laws", "require_law"]
