"""Adapters of the review capability: the REST APIs of GitHub and GitLab."""
