"""The plugin's process: `python -m localcloud.plugin <address of the engine>`."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from localcloud.plugin.provider import Provider

_LARGEST_MESSAGE = 400 * 1024 * 1024
"""The engine's own limit. Source: pulumi v3.259.0, sdk/go/common/util/rpcutil/serve.go."""

_AT_ONCE = 64
"""Requests at once: `pulumi up --parallel` decides how many there are, up to this."""

_WATCH_SECONDS = 5.0
"""How often to look whether the engine is still there."""


def main() -> None:
    """Serve until the engine ends the process."""
    options = [
        ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
        ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    ]
    provider = Provider()
    server = grpc.server(ThreadPoolExecutor(_AT_ONCE), options=options)
    add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine ends a plugin by an interrupt (and waits seconds before it kills); the user's own
    # interrupt does not come here, since the engine gives each plugin a process group.
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    print(port, flush=True)
    engine = os.getppid()
    # An engine that is killed sends no word; its plugin must not stay behind.
    while not ended.wait(_WATCH_SECONDS) and os.getppid() == engine:
        pass
    provider.cancel()
    server.stop(grace=None)


if __name__ == "__main__":
    main()
