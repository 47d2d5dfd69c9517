"""HTTP to addresses that users name, without letting them reach what only this machine can."""
