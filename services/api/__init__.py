"""The HTTP door: FastAPI over the bus and the state."""
