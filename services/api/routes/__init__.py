"""HTTP routes: each decodes a request, calls one use case, and encodes the answer."""
