"""What clients and the API agree on about HTTP."""

# All resources are below it; at the root are the probes, the documentation, and what other
# protocols want there.
API_PREFIX = "/api/v1"
# Below it senders, who have no key but sign, tell us of pushes.
INBOUND_PREFIX = "/webhooks/in/"
