"""What is copied beside a target's tree and runs there, in the target's Python: 3.8 or later, nothing of ours.

Outside it is the package `groundswell_inside`, so its modules name each other relatively.
"""
