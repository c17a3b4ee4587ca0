"""Where Google begins: protocols, the real clients, one tree of errors."""
