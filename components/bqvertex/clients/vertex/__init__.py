"""Vertex AI over REST: the registry, the endpoints and the model monitors."""
