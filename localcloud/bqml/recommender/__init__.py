"""Kinds that learn what users think of items."""
