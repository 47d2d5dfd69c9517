"""Which changes need a person's approval, and what happens once it is given."""
