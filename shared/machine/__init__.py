"""What a machine has for the processes that share it: cores and memory."""
