"""The command line: Typer commands over the HTTP API, and `run` over a local stack."""
