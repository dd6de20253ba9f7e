"""How many of the last bits are right, measured against proven enclosures of the true values."""

from verify.precision.allowance import Answer, budget, explain

__all__ = ["Answer", "budget", "explain"]
