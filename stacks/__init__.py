"""What differs between environments: one YAML file a stack, and the code that reads it."""
