"""Pure rules of the validator: reports, comparison, splitting, the gate."""
