"""The plugin's process: `python -m localcloud.plugin <address of the engine>`."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from localcloud.plugin.provider import Provider

_LARGEST_MESSAGE = 400 * 1024 * 1024
"""The engine's own limit. Source: pulumi v3.259.0, sdk/go/common/util/rpcutil/serve.go."""

_AT_ONCE = 64
"""Requests at once: `pulumi up --parallel` decides how many there are, up to this."""


_WATCH_SECONDS = 5.0


def main() -> None:
    """Serve until the engine ends the process."""
    options = [
        ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
        ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    ]
    server = grpc.server(ThreadPoolExecutor(_AT_ONCE), options=options)
    add_ResourceProviderServicer_to_server(Provider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # An interrupt reaches the whole process group; the engine tells by Cancel what it wants.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(port, flush=True)
    engine = os.getppid()
    # An engine that is killed sends no word; its plugin must not stay behind.
    while server.wait_for_termination(timeout=_WATCH_SECONDS) and os.getppid() == engine:
        pass
    server.stop(grace=None)


if __name__ == "__main__":
    main()
