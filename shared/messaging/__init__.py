"""NATS JetStream through FastStream: broker, consumers, the ack wrapper, RPC, provisioning."""
