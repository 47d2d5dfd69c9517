"""NATS JetStream through FastStream: connections, consumers, acknowledgement, RPC, streams."""
