"""One module per agent type: the rules it looks for and what it says about a fix."""
