"""Where the code of targets runs: tiers of isolation behind one port, and the directories it works in."""
