"""What the gate decides, as pure functions of the evidence gathered so far."""
