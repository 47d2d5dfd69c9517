"""Running a target's benchmarks, and reading what they say."""
