"""What the project makes from data: `python -m generate` writes it, `--check` compares."""
