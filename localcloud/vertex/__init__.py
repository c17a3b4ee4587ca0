"""Vertex AI: Model Registry, endpoints, online prediction, monitoring, and Gemini's stand-in."""
