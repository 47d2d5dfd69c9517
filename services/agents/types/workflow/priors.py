"""How likely fixes of workflows are to pass the gate, before anything is known about a target."""

from shared.agent_types import Priors

PRIORS = Priors(safe=0.97, unsafe=0.75)
