"""Tools that find and fix, and the trees they work on."""
