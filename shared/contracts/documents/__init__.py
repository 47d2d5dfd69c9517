"""What is kept in MongoDB: one model per collection, a module per aggregate. `id` is stored as `_id`.

A document with a `state` also has a `version`, which every stored change raises by one.
"""
