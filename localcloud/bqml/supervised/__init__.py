"""Models that learn a label from features: rows are encoded, divided, fitted and judged alike."""
