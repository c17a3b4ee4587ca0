"""Kinds that forecast time series."""
