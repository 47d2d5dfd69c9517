"""The documents in MongoDB: one model per collection, one module per aggregate.

`id` is stored as `_id`. A document with a `state` also has a `version`, which every stored change
increments by one.
"""
