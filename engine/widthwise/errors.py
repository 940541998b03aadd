"""Every exception of widthwise: each message states the value, the rule and the remedy in one line.

``exit_code`` is what the ``widthwise`` command returns when the exception reaches it.
"""


class WidthwiseError(Exception):
    """Base of every error a user can meet; a bare one is a bug."""

    exit_code = 1


class SpecError(WidthwiseError):
    """A spec, an argument or an input file that cannot be used: names the key, the value and what is allowed."""

    exit_code = 2


class IdentityError(WidthwiseError):
    """The run directory belongs to another spec, schema or numeric environment."""

    exit_code = 3


class IncompleteError(WidthwiseError):
    """Some units could not be computed and were quarantined; everything else is stored."""

    exit_code = 4


class CorruptError(WidthwiseError):
    """Stored data or metadata is damaged."""

    exit_code = 5


class VerdictError(WidthwiseError):
    """A verdict failed under ``show --check``."""

    exit_code = 6


class ClusterError(WidthwiseError):
    """The cluster cannot be reached, is not authorised or lacks what the run needs."""

    exit_code = 69


class ShardLostError(ClusterError):
    """A member of a group that computes a replicate together is lost, silent or out of step; the group starts again."""


class StorageError(WidthwiseError):
    """Reading or writing failed: disk full, no permission, store unreachable."""

    exit_code = 74


class InterruptedRunError(WidthwiseError):
    """A signal or a time limit stopped the run; it can be resumed."""

    exit_code = 75


class ProgramError(WidthwiseError):
    """A program broke the contract of the language (mixed coordinates, asked for an impossible shape)."""

    exit_code = 2
