"""One pydantic model per message and per document, the streams, and the state tables."""
