"""moto's S3 server on a port of this machine that the system chooses, and ways to make it fail."""

import logging
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from widthwise.store import objects

Respond = Callable[..., Any]


class Failing:
    """WSGI middleware: while ``times`` are left, requests of ``methods`` get ``status``; some are obeyed first."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._counting = threading.Lock()
        self.served = 0
        self.recover()

    def recover(self) -> None:
        """Work as it should."""
        self.fail("200 OK", 0)

    def fail(
        self,
        status: str,
        times: float,
        *,
        code: str = "",
        methods: str = "GET PUT HEAD POST DELETE",
        obey: bool = False,
    ) -> None:
        """Answer so many requests of ``methods`` with ``status``."""
        self.status, self.times, self.code, self.methods, self.obey = status, times, code, methods.split(), obey

    def __call__(self, environ: dict[str, Any], start_response: Respond) -> Iterable[bytes]:
        with self._counting:
            self.served += 1
            fails = self.times > 0 and environ["REQUEST_METHOD"] in self.methods
            self.times -= fails
        if not fails:
            return self._application(environ, start_response)
        if self.obey:
            list(self._application(environ, lambda *_, **__: None))
        body = f'<?xml version="1.0"?><Error><Code>{self.code}</Code></Error>'.encode()
        start_response(self.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]


class Quiet(MotoRequestHandler):
    """Keeps connections and tells nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def s3_server(bucket: str) -> Iterator[Failing]:
    """The server with an empty bucket, and this process and its children connected to it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    failing = Failing(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, failing, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", endpoint),
        ):
            patch.setenv(name, value)
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")).close()
        forget()
        try:
            yield failing
        finally:
            forget()
            server.shutdown()
            thread.join()
            server.server_close()


def forget() -> None:
    """Connect anew, with the environment as it is then."""
    objects._store.cache_clear()
    objects._reached.cache_clear()
