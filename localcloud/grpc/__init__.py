"""Google's gRPC services over the REST handlers of the same process."""
