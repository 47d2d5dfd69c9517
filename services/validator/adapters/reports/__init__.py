"""Readers of test reports: our own pytest plugin's lines, and JUnit XML for everything else."""
