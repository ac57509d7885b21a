"""The server of the dashboard, for browsers of this machine only."""

import errno
import time
from collections.abc import Callable
from socketserver import TCPServer, ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from apollo.search.interrupt import Interruptible
from apollo.search.store import Store
from apollo.search.store.follow import read_only

HOST = "127.0.0.1"  # whoever reaches the dashboard may change the copy: nobody else does
FOLLOW_S = 1.0
_LOOK_S = 0.25


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    timeout = _LOOK_S

    def server_bind(self) -> None:
        """Bind without asking anybody for the name of this machine."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


def serve(store: Store, study: str, port: int, follow: Callable[[str], None]) -> None:
    """Serve the dashboard of a study until Ctrl-C; `follow` hears its address.

    The store is read and never written. Raises `ValueError`, one sentence, when there is no such
    study, the port is taken, or the packages of the dashboard are missing.
    """
    try:
        from optuna_dashboard import wsgi

        from apollo.search.dashboard.mirror import Mirror
    except ImportError:
        raise ValueError(
            "The dashboard needs more packages: pip install 'apollo-dse[dashboard]'."
        ) from None
    with Interruptible() as interruptible:
        mirror = Mirror(read_only(store), study)
        with _listening(port, wsgi(mirror.storage)) as server:
            follow(f"http://{HOST}:{server.server_port}/dashboard/studies/0")
            looked = time.monotonic()
            while not interruptible.interrupted:
                server.handle_request()
                if time.monotonic() - looked > FOLLOW_S:
                    mirror.follow()
                    looked = time.monotonic()


def _listening(port: int, app: Callable[..., object]) -> _Server:
    if not 0 <= port < 1 << 16:
        raise ValueError(f"--port must be in 0..65535, not {port}.")
    try:
        return make_server(HOST, port, app, _Server, _Quiet)  # type: ignore[arg-type]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = f"Port {port} is taken: --port must name another, or 0 for any that is free."
        else:
            why = f"Port {port} cannot be used: {error.strerror}."
        raise ValueError(why) from None
