"""Answers that have a secret, which is shown once."""

from typing import TypeVar

from fastapi import Response

A = TypeVar("A")


def shown_once(answer: A, response: Response) -> A:
    """Mark an answer as one that nobody may store; a repetition of its request is refused."""
    response.headers["Cache-Control"] = "no-store"
    return answer
