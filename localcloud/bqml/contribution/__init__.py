"""Which segments of the data moved a metric."""
