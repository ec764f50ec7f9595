"""The two ways a command can fail: the user can mend it, or the machine must be mended."""


class UserError(Exception):
    """Something the user gave is wrong. The text is one sentence: what, where, what to do.

    The command line prints it without a traceback and exits with status 2.
    """


class SystemFailure(Exception):
    """The machine got in the way (no disk left, no network). Exit status 1."""
