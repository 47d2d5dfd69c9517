"""The register of discount rules. A rule registers itself when its module is imported."""

RULES = {}


def rule(name):
    """Register a function (product, quantity) -> share of the price taken off, from 0 to 1."""

    def register(function):
        RULES[name] = function
        return function

    return register


def best(product, quantity):
    """Name and share of the best discount; nothing is ("none", 0)."""
    winner, share = "none", 0
    for name, function in RULES.items():
        offered = function(product, quantity)
        if offered > share:
            winner = name
            share = offered
    return winner, share
