"""What a resource should be: pure functions and plain data. Knows neither Pulumi nor Google."""
