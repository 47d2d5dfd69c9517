"""Imported by the fork server when it starts: makes the kernel end it with the stack's owner."""

import signal

from shared.sandbox.processes import PR_SET_PDEATHSIG, prctl

prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
