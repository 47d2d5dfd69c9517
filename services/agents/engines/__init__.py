"""The engines that every agent type has."""
