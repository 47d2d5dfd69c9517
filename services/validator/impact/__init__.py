"""Which tests a change can affect, from what a recorded run saw each test reach."""
