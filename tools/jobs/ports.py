"""A port for a service."""

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on now. Another process may take it before the service does: then raise `Transient`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
