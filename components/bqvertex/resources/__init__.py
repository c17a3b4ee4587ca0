"""The Pulumi face of each dynamic resource: inputs, outputs and the class that state names."""
