"""How one cloud resource lives: check, diff, create, read, update, delete. Knows no Pulumi."""
