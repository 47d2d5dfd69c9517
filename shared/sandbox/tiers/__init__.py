"""What each tier does to begin a command: one module a tier, run inside the supervisor's process.

A tier's `begin(job)` starts the command and returns at once with a `Begun`.
"""
