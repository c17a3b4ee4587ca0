"""The embedded local Google Cloud."""
