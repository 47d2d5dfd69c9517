"""Test runs: requested once, executed by any runner, stored as evidence."""
