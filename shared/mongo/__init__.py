"""MongoDB access: collections, repositories, indexes and leader election."""
