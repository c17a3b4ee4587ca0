"""A stand-in for Pulumi's `gcp` plugin, for machines that cannot download the official one.

It serves the resource types that the components use (`resource_types`), speaks the official
plugin's REST to whatever server the provider's custom endpoints name, and keeps no state of its
own: what it leaves behind, and what it puts into Pulumi's state, is what the official plugin does.
The suite in `tests/contracts` runs on both.

Installing it: Pulumi takes a folder with an executable `pulumi-resource-gcp`, by
`pulumi plugin install resource gcp <version of pulumi-gcp> --file <folder>`. That executable has
to start this package with a Python that has pulumi, pulumi-gcp, httpx and tenacity, and hand its
arguments on::

    #!/bin/sh
    exec /path/to/python -m localcloud.plugin "$@"

Protocol: the first line on stdout is the port on 127.0.0.1 that it listens on, and nothing else is
ever written there. Source: https://github.com/pulumi/pulumi/blob/v3.259.0/proto/pulumi/provider.proto
"""
