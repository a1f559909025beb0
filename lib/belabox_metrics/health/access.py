"""Who is answered: this box itself, whoever asks from an allowed network, and whoever shows the token.

The rules come with the unit, as an environment variable and a credential, and not from the database: who may ask must
be certain while the database can't be read. Where nothing says otherwise, it is this box alone.
"""

from __future__ import annotations

from ..environment import variable
from ..errors import ConfigProblem
from .answer import Answer, document

try:
    from _socket import AF_INET, AF_INET6, inet_pton
except ImportError:  # as in http.py
    from socket import AF_INET, AF_INET6, inet_pton

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .guesses import Guesses
    from .request import Request

# Networks with blanks between them; the file that the token is in.
NETWORKS = "BELABOX_HEALTH_NETWORKS"
TOKEN_FILE = "BELABOX_HEALTH_TOKEN_FILE"  # noqa: S105 - a name
CREDENTIAL = "health-token"
COOKIE = "belabox-metrics"
# A browser that has shown the token once stays known for a month.
COOKIE_S = 30 * 86_400

THIS_BOX = ("127.0.0.0/8", "::1/128")
# Names that no stranger can have: of home networks, of a common router, of Tailscale.
HOME_NAMES = (".local", ".lan", ".home", ".home.arpa", ".internal", ".localdomain", ".fritz.box", ".ts.net")
_MAPPED = b"\x00" * 10 + b"\xff\xff"


class Network:
    """`10.0.0.0/8`, `fe80::/10`. Raises ValueError where the text is none."""

    __slots__ = ("_bits", "_first", "_length")

    def __init__(self, text: str) -> None:
        address, _, bits = text.partition("/")
        first = packed(address)
        if first is None or not (bits.isascii() and bits.isdigit() and int(bits) <= len(first) * 8):
            raise ValueError(f"{text} is not a network")
        self._length = len(first)
        self._bits = len(first) * 8 - int(bits)
        self._first = int.from_bytes(first, "big") >> self._bits

    def holds(self, address: bytes) -> bool:
        """Whether it is one of its addresses; `address` as packed() gives it."""
        return len(address) == self._length and int.from_bytes(address, "big") >> self._bits == self._first


def packed(address: str) -> bytes | None:
    """The bytes of an IP address, None for what is none. One of IPv4 that came over a socket of IPv6 is what it is."""
    try:
        found = inet_pton(AF_INET6 if ":" in address else AF_INET, address.partition("%")[0])
    except (OSError, ValueError):
        return None
    return found[12:] if len(found) == 16 and found[:12] == _MAPPED else found


class Access:
    """The rules. `networks`: their texts, beside this box itself; `token`: "" for none."""

    def __init__(self, networks: list[str], token: str) -> None:
        self.networks = networks
        self.has_token = bool(token)
        self._token = token.encode()
        self._guesses: Guesses | None = None
        self._own = [Network(text) for text in THIS_BOX]
        self._allowed = [Network(text) for text in networks]

    def refusal(self, request: Request) -> Answer | None:
        """What to answer instead of what was asked for; None for who is welcome."""
        if not request.peer:  # a socket in the file system: who may open it, may ask
            return None
        address = packed(request.peer)
        if address is not None and any(network.holds(address) for network in self._own):
            return None
        is_near = address is not None and any(network.holds(address) for network in self._allowed)
        if is_near and not _is_lured(request):
            return None
        if not self.has_token and is_near:
            what = "a browser is answered by the address of this box, or by a name such as belabox.local"
            return document(403, {"error": what})
        if not self.has_token:
            return document(403, {"error": f"{request.peer} is not answered: see health.allow and health.token_file"})
        # A cookie is nothing that can be guessed.
        if self._has_cookie(request):
            return None
        shown = _in_query(request.query)
        told = request.field("authorization").partition(" ")[2].strip()
        if told or shown:
            wait_s = self._guesses.wait_s(address or b"") if self._guesses else 0
            if wait_s:
                error = f"too many wrong tokens: ask again in {wait_s} s"
                return document(429, {"error": error}, f"Retry-After: {wait_s}")
            if self._is_token(told):
                return None
            if shown and self._is_token(shown):
                return self._known(request) if _is_browser(request) else None
            self._guessed(address or b"")
        if _is_browser(request):
            from ..page.entrance import answer

            return answer(wrong=bool(shown))
        return document(401, {"error": "the token of health.token_file is needed"}, "WWW-Authenticate: Bearer")

    def _guessed(self, address: bytes) -> None:
        if self._guesses is None:
            from .guesses import Guesses

            self._guesses = Guesses()
        self._guesses.wrong(address)

    def _is_token(self, shown: str) -> bool:
        from _operator import _compare_digest

        return _compare_digest(shown.encode("latin-1", "replace"), self._token)

    def _has_cookie(self, request: Request) -> bool:
        for pair in request.field("cookie").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE and value:
                from hmac import compare_digest

                return compare_digest(value.encode("latin-1", "replace"), self._cookie().encode())
        return False

    def _known(self, request: Request) -> Answer:
        """The same address without the token, which is not to stay where people see it."""
        cookie = f"{COOKIE}={self._cookie()}; HttpOnly; Max-Age={COOKIE_S}; Path=/; SameSite=Lax"
        # Two slashes would be another host; a browser takes the other kind for the same.
        path = request.path.lstrip("/\\")
        fields = (f"Location: /{path}", f"Set-Cookie: {cookie}")
        return document(303, {"status": "the token is right"}, *fields)

    def _cookie(self) -> str:
        """Proves the token, and does not tell it."""
        import hmac

        return hmac.new(self._token, b"belabox-metrics page", "sha256").hexdigest()


def read() -> Access:
    """The rules that this process was started with. Raises ConfigProblem where they can't be used."""
    networks = variable(NETWORKS).split()
    path = variable(TOKEN_FILE)
    try:
        return Access(networks, _token(path) if path else "")
    except ValueError as error:
        raise ConfigProblem(str(error), where=NETWORKS) from None


def _token(path: str) -> str:
    from ..remote.credentials import Credentials

    return Credentials({CREDENTIAL: path}).line(CREDENTIAL)


def _is_browser(request: Request) -> bool:
    return "text/html" in request.field("accept")


def _is_lured(request: Request) -> bool:
    """Whether a browser may ask for somebody else: a site whose name was made to point here after it was loaded reads
    what is answered (DNS rebinding). It can't hide that a browser asks, nor the name."""
    if not (request.has("accept-language") or request.field("user-agent").startswith("Mozilla/")):
        return False
    name = request.field("host").lower()
    if name.startswith("["):
        return False
    name = name.partition(":")[0].rstrip(".")
    return "." in name and packed(name) is None and not name.endswith(HOME_NAMES)


def _in_query(query: str) -> str:
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "token":
            from urllib.parse import unquote_plus

            return unquote_plus(value, "latin-1")
    return ""
