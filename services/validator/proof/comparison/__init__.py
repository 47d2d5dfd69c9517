"""Compares the programs of two texts, under any Python from 3.8 on.

The package is copied into a sandbox under the name `groundswell_comparison`, where each installed
Python runs it. So it imports nothing of ours, and its modules name each other relatively. It only
parses and compiles: nothing of the texts is ever executed.
"""
