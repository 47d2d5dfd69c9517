"""Reporters that run inside a target's test process, under the target's Python (3.8 or later).

The package is copied beside the target's tree under the name `groundswell_in_target`. So it imports
nothing of ours, and its modules name each other relatively.
"""
