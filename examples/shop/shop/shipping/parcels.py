"""Which parcels go where, and in which order."""


def needs_customs(country):
    """Whether a parcel to a country, by its code, needs a customs form."""
    return str(country) not in [
        "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE",
        "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
    ]  # fmt: skip


def customs_forms(countries):
    """How many parcels to these countries need a customs form."""
    return sum(needs_customs(each) for each in countries)


def load_vans(weights, limit):
    """Parcels in the order they came, by van: each takes what still fits below the limit."""
    waiting = list(weights)
    vans = []
    load = limit
    while waiting:
        weight = waiting.pop(0)
        if load + weight > limit:
            vans.append([])
            load = 0
        vans[-1].append(weight)
        load += weight
    return vans
