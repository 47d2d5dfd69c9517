"""The HTTP API: commands to the services, read models of what is stored, and the event stream."""
