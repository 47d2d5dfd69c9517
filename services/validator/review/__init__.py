"""Pull requests that show people what landed."""
