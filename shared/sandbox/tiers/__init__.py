"""The tiers: one module each, which starts and cleans up a command in the supervisor's process.

A tier has `preload()`, called once in the fork server; `start(job, output)`, which starts the
command and returns a `StartedCommand` at once; `command_exit_code(code)`, which translates the exit
code of the tier's own process, or returns None where the sandbox could not be set up; `clean_up`,
which returns how many processes it could not end; and `RUNS_AS_DESCENDANTS`, true where the
command's processes descend from the supervisor, so that their processor time is known.
"""
