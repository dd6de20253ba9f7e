"""What can end a run for reasons outside this program."""


class CharlmError(Exception):
    """Base of the errors below; the message is one line that can be shown to a user."""

    exit_status = 1


class InputError(CharlmError):
    """The user gave something unusable: a text, a setting, a checkpoint."""

    exit_status = 2


class DivergedError(CharlmError):
    """Training left the finite numbers; the settings were accepted, so this is a failed run."""


class InterruptedRunError(CharlmError):
    """The user stopped the run."""

    exit_status = 130
