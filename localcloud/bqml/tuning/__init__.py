"""Hyperparameter tuning: one model out of many trainings."""
