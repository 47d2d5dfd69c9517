"""What the five services agree on: words, messages, state and the parts they stand on."""
