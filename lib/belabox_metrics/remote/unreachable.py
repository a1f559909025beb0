"""There was no answer, and why, in words."""

from __future__ import annotations

import http.client
import socket
import ssl

from ..errors import TryLater


class Unreachable(TryLater):
    """No answer, or none that is HTTP. `certificate`: it is one side's certificate, so trying again soon won't help;
    `has_begun`: an answer had, so that what was sent was not too much for the way."""

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", certificate: bool = False, has_begun: bool = False
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.certificate = certificate
        self.has_begun = has_begun


def unreachable(fault: Exception, where: str) -> Unreachable:
    """What the fault of a request comes down to."""
    if isinstance(fault, Unreachable):
        return fault
    if isinstance(fault, (http.client.RemoteDisconnected, ssl.SSLEOFError)):
        return Unreachable("the server closed the connection without an answer", where=where)
    if isinstance(fault, http.client.IncompleteRead):
        return Unreachable("the server closed the connection in the middle of its answer", where=where, has_begun=True)
    if isinstance(fault, socket.gaierror):
        return Unreachable(f"the name of the server is not known: {_words(fault)}", where=where)
    if isinstance(fault, ssl.SSLCertVerificationError):
        return _untrusted(fault, where)
    if isinstance(fault, ssl.SSLError) and not isinstance(fault, ssl.SSLEOFError):
        return _no_tls(fault.reason or "", where)
    if isinstance(fault, socket.timeout):
        return Unreachable("no answer in time", where=where)
    if isinstance(fault, OSError):
        return Unreachable(_words(fault), where=where)
    # HTTPException, or ValueError for a number that is none.
    return Unreachable("the server does not answer in HTTP", where=where)


def _untrusted(fault: ssl.SSLCertVerificationError, where: str) -> Unreachable:
    # It ends with the name or address that was expected, which is in `where` already.
    reason = str(fault.verify_message).partition(", certificate is not valid")[0].rstrip(".")
    hint = ""
    if "self" in reason or "issuer" in reason:
        hint = "whoever signed it goes into remote.tls.ca_file"
    elif "expired" in reason or "not yet" in reason:
        hint = "or is the clock of this box wrong?"
    return Unreachable(f"its certificate is not trusted: {reason}", where=where, hint=hint, certificate=True)


def _no_tls(reason: str, where: str) -> Unreachable:
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"):
        return Unreachable("the server does not speak TLS", where=where, hint="is it http://, or another port?")
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason or "HANDSHAKE_FAILURE" in reason):
        hint = "set remote.tls.client_certificate and client_key"
        what = f"the server refuses this box's certificate, or that there is none: {_lower(reason)}"
        return Unreachable(what, where=where, hint=hint, certificate=True)
    return Unreachable(f"no encrypted connection: {_lower(reason) or 'TLS failed'}", where=where)


def _lower(reason: str) -> str:
    return reason.lower().replace("_", " ")


def _words(fault: OSError) -> str:
    return fault.strerror or str(fault) or type(fault).__name__
