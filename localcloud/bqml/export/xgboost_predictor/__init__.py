"""What is written beside an exported booster: it runs on its own, with numpy and xgboost alone."""
