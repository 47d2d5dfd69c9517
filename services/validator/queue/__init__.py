"""The changes a gate has still to judge, and the state changes each of them goes through."""
