"""`bqvertex check`: SQL files checked offline as a preview checks them, without Pulumi."""
