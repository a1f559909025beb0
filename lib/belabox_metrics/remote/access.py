"""Who we are to the server, and which servers we trust."""

from __future__ import annotations

from binascii import b2a_base64

from ..errors import ConfigProblem
from . import credentials
from .credentials import Credentials, sources
from .urls import origin, query_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern
    from ssl import SSLContext

    from .settings import Remote

# The same wherever they are written (RFC 3986, section 2.3).
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


class Access:
    """What `remote.auth` and `remote.tls` make of requests. Secrets are read when the first of them is needed.

    They are for the servers of `remote.url` and `remote.query_url`. Another one, which only tells the time, gets no
    secret and no certificate, and is trusted when the system's list says so."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._credentials = Credentials(
            sources(remote.auth_type, remote.ca_file, remote.client_certificate, remote.client_key)
        )
        self._ours = {origin(url) for url in (remote.url, remote.query_url) if url}
        self._headers: dict[str, str] | None = None
        self._secrets = [secret for url in (remote.url, remote.query_url) for secret in query_secrets(url)]
        self._contexts: dict[bool, SSLContext] = {}

    def headers(self, url: str) -> dict[str, str]:
        """Those of a request to `url` that prove who we are. Raises ConfigProblem."""
        if origin(url) not in self._ours:
            return {}
        if self._headers is None:
            self._headers = self._proof()
        return self._headers

    def hidden(self, text: bytes) -> bytes:
        """`text`, which a server said, without what was said to it in confidence."""
        for secret in self._secrets:
            text = _as_repeated(secret).sub(b"...", text)
        return text

    def ssl_context(self, url: str) -> SSLContext:
        """For a connection to `url`. Raises ConfigProblem."""
        ours = origin(url) in self._ours
        if ours not in self._contexts:
            self._contexts[ours] = self._context(ours)
        return self._contexts[ours]

    def _proof(self) -> dict[str, str]:
        kind = self._remote.auth_type
        if kind == "none":
            return {}
        token = self._credentials.token()
        self._secrets.append(token.encode())
        if kind == "header":
            return {self._remote.auth_header: token}
        if kind == "basic":
            # RFC 7617
            pair = b2a_base64(f"{self._remote.auth_username}:{token}".encode(), newline=False)
            self._secrets.append(pair)
            return {"Authorization": f"Basic {pair.decode()}"}
        if " " in token:
            where, hint = credentials.TOKEN_FILE, "the word Bearer is not part of it"
            raise ConfigProblem("has a blank in the token", where=where, hint=hint)
        return {"Authorization": f"Bearer {token}"}

    def _context(self, ours: bool) -> SSLContext:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which verifies certificate and name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        remote = self._remote
        if not (ours and remote.ca_file):
            _trust_system(context)
        else:
            content = self._credentials.bytes(credentials.CA)
            try:
                context.load_verify_locations(cadata=content.decode("ascii"))
            except (ssl.SSLError, ValueError):
                raise ConfigProblem("is no file of certificates (PEM)", where=remote.ca_file) from None
        if ours and remote.client_certificate:
            self._show_certificate(context)
        return context

    def _show_certificate(self, context: SSLContext) -> None:
        import ssl

        certificate, key = (self._credentials.path(name) for name in (credentials.CERTIFICATE, credentials.KEY))
        where = self._remote.client_key

        def refuse() -> str:
            # Else OpenSSL would ask whoever is at the terminal.
            raise ConfigProblem("is encrypted", where=where, hint="nobody is there to type a password")

        try:
            context.load_cert_chain(certificate, key, password=refuse)
        except ssl.SSLError as fault:
            reason = str(fault.reason or "").lower().replace("_", " ") or "it is no PEM"
            raise ConfigProblem(
                f"can't be used with {self._remote.client_certificate}: {reason}", where=where
            ) from None
        except OSError as fault:
            raise ConfigProblem(
                f"or {self._remote.client_certificate} can't be read: {fault.strerror}", where=where
            ) from None


def _as_repeated(secret: bytes) -> Pattern[bytes]:
    """`secret` as it is, or as JSON, HTML or a URL spells it: what is no letter and no digit has other forms there."""
    import re

    def spelled(code: int) -> bytes:
        char = re.escape(bytes((code,)))
        if code in _PLAIN:
            return char
        digits = b"(?i:%02x)" % code
        return rb"(?:\\?%b|%%%b|\\u00%b|&#0*%d;|&#[xX]0*%b;|&[A-Za-z]+;)" % (char, digits, digits, code, digits)

    return re.compile(b"".join([spelled(code) for code in secret]))


def _trust_system(context: SSLContext) -> None:
    """By the directory where it has one: OpenSSL then reads the one certificate that it needs; all 140 of the list are
    20 ms of CPU."""
    import os
    import ssl

    directory = ssl.get_default_verify_paths().openssl_capath
    try:
        names = os.listdir(directory)
    except OSError:
        names = []
    # Linked under the hash of their names (openssl rehash), which is how they are found.
    if any(name.endswith(".0") for name in names):
        context.load_verify_locations(capath=directory)
    else:
        context.load_default_certs()
