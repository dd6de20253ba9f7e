"""How many of the last bits are right, measured against proven enclosures of the true values."""

from verify.evidence.rounding import budget
from verify.precision.allowance import Answer, explain

__all__ = ["Answer", "budget", "explain"]
