# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import contextlib
import gzip
import ipaddress
import os
import socket
import ssl
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from .. import gateway, settings
from . import strategies as s

LOOPBACK = "127.0.0.0/8, ::1/128"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """A server on loopback that does what it is told with each connection.

    `requests` are the bytes that came, as far as they were read; `names` what TLS clients asked
    for.
    """

    def __init__(self, behave, context=None, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._behave = behave
        self._context = context
        self.port = self._listener.getsockname()[1]
        self.requests = []
        self.names = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        if context:
            context.sni_callback = lambda _sock, name, _context: self.names.append(name)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self):
        while True:
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            sock.settimeout(5)
            with contextlib.suppress(OSError), sock:
                self._answer(sock)

    def _answer(self, sock):
        if self._context:
            sock = self._context.wrap_socket(sock, server_side=True)
        with sock:
            self.requests.append(_read_request(sock))
            self._behave(sock)


def _read_request(sock):
    """The head and what its Content-Length says."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536) or b"\r\n\r\n"
    head, _blank, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def saying(*parts, pause=0):
    def behave(sock):
        for part in parts:
            sock.sendall(part)
            time.sleep(pause)

    return behave


def dripping(head, drop=b"x", pause=0.05):
    def behave(sock):
        sock.sendall(head)
        for _count in range(100):
            sock.sendall(drop)
            time.sleep(pause)

    return behave


class GatewayCase(BaseCase):
    def setUp(self):
        super().setUp()
        self.use_settings(outgoing_networks=LOOPBACK)

    def use_settings(self, **values):
        others = {k: v for k, v in os.environ.items() if not k.startswith("SPAR_")}
        self.startPatcher(patch.dict(os.environ, others, clear=True))
        self.startPatcher(patch.object(settings, "_section", lambda: values))
        gateway._context.cache_clear()
        self.addCleanup(gateway._context.cache_clear)

    def serve(self, behave, **options):
        return self.enterContext(Server(behave, **options))

    def resolve_to(self, *addresses):
        """A name server that has these addresses, each for one question; then the last."""
        waiting = list(addresses)
        self.questions = []

        def getaddrinfo(host, port, *_args, **_kwargs):
            self.questions.append(host)
            found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            found = [found] if isinstance(found, str) else found
            return [_address_info(address, port) for address in found]

        self.startPatcher(patch.object(gateway.socket, "getaddrinfo", getaddrinfo))

    def post(self, url, body=b"{}", headers=None, **options):
        options.setdefault("hosts", [gateway.parse_url(url).origin])
        return gateway.post(url, body, headers or {}, **options)

    def assertRefused(self, url, text, **options):
        with self.assertRaisesRegex(gateway.GatewayRefused, text):
            self.post(url, **options)

    def assertFailed(self, url, text, maybe_sent, **options):
        with self.assertRaisesRegex(gateway.GatewayFailed, text) as caught:
            self.post(url, **options)
        self.assertEqual(caught.exception.maybe_sent, maybe_sent)
        return caught.exception


def _address_info(address, port):
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)


class TestUrl(BaseCase):
    def test_parts(self):
        target = gateway.parse_url("https://Bank.Example/a/b?c=d")
        self.assertEqual(target, ("https", "bank.example", 443, "/a/b?c=d"))
        self.assertEqual(target.origin, "bank.example")
        self.assertEqual(gateway.parse_url("https://bank.example:8443").origin, "bank.example:8443")
        self.assertEqual(gateway.parse_url("https://bank.example").path, "/")
        self.assertEqual(gateway.parse_url("https://[2A00:0::1]:444/").origin, "[2a00::1]:444")
        self.assertEqual(gateway.parse_url("http://127.0.0.1:80/").origin, "127.0.0.1")

    def test_refused(self):
        for url in (
            "",
            "bank.example",
            "//bank.example/",
            "ftp://bank.example/",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://user@bank.example/",
            "https://user:secret@bank.example/",
            "https://bank.example@127.0.0.1/",
            "https://bank.example#@127.0.0.1/",
            "https://bank.example/#fragment",
            "https://bank.example\\@127.0.0.1/",
            "https://bank.example/\\",
            "https://bank.example/ x",
            "https://bank.example/\r\nX: y",
            "https://bank.example/\x00",
            " https://bank.example/",
            "https://bank.example/\n",
            "https://bank.example./",
            "https://bank..example/",
            "https://-bank.example/",
            f"https://{'a' * 64}.example/",
            "https://bänk.example/",
            "https://ban\u212a.example/",  # Kelvin sign, a k in lower case
            "http\u017f://bank.example/",  # long s
            "https://bank.example/\u00e9",
            "https://bank.example:0/",
            "https://bank.example:65536/",
            "https://bank.example:/",
            "https://bank.example:44 3/",
            "https://bank.example:443:443/",
            "https://[::1/",
            "https://::1/",
            "https://[fe80::1%25eth0]/",
            "https://[::g]/",
            "https://bank.example/" + "a" * 2048,
        ):
            with self.subTest(url), self.assertRaises(gateway.GatewayRefused):
                gateway.parse_url(url)

    def test_forms_of_addresses(self):
        """What the system would take for 127.0.0.1, but for its usual form."""
        for host in (
            *("2130706433", "017700000001", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0"),
            *("0177.0.0.1", "127.0.0.01", "127.0.0.0x1", "127.0.0.1.1", "256.0.0.1", "a.1"),
        ):
            with self.subTest(host), self.assertRaises(gateway.GatewayRefused):
                gateway.parse_url(f"https://{host}/")

    @s.quick
    @given(st.text(max_size=40) | st.from_regex(r"https://[^\s]{0,30}", fullmatch=True))
    def test_nothing_else_is_raised(self, url):
        try:
            target = gateway.parse_url(url)
        except gateway.GatewayRefused:
            return
        self.assertTrue(target.path.isascii() and target.host.isascii())
        self.assertEqual(
            gateway.parse_url(f"{target.scheme}://{target.origin}{target.path}"), target
        )


class TestAddresses(GatewayCase):
    def test_not_public(self):
        self.use_settings()
        for address in (
            *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255"),
            *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192"),
            *("198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
            *("192.0.2.1", "198.51.100.1", "203.0.113.1", "168.63.129.16", "192.88.99.1"),
            *("::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
            *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1"),
            *("64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "100::1"),
        ):
            with self.subTest(address):
                self.resolve_to(address)
                self.assertRefused(
                    "https://bank.example/", "bank.example: its address .* not public"
                )

    def test_literal(self):
        """An address in the URL is checked as one of a name is."""
        self.use_settings()
        for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "10.0.0.1"):
            with self.subTest(host):
                self.assertRefused(f"https://{host}/", "not public")

    def test_public(self):
        for address in ("8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"):
            with self.subTest(address):
                self.assertTrue(gateway._is_public(ipaddress.ip_address(address)))

    def test_one_bad_address_of_several(self):
        server = self.serve(saying(OK))
        self.use_settings(outgoing_networks="127.0.0.1/32")
        self.resolve_to(["127.0.0.1", "10.0.0.1"])
        self.assertRefused(f"https://bank.example:{server.port}/", "10.0.0.1 is not public")
        self.assertFalse(server.requests)

    def test_opened_networks(self):
        self.use_settings(outgoing_networks=" 10.1.0.0/16 ,2001:db8::/32,")
        self.assertEqual(len(gateway._outgoing_networks()), 2)
        self.resolve_to("10.2.0.1")
        self.assertRefused("https://bank.example/", "10.2.0.1 is not public")
        # Plain http is for loopback, whatever is opened.
        self.resolve_to("10.1.0.1")
        self.assertRefused("http://bank.example/", "must be called by https")
        self.use_settings(outgoing_networks="10.0.0.0/8")
        self.resolve_to("127.0.0.1")
        self.assertRefused("http://bank.example/", "must be called by https")

    def test_http_to_public(self):
        self.resolve_to("8.8.8.8")
        self.assertRefused("http://bank.example/", "must be called by https")

    def test_wrong_setting(self):
        for value in ("10.0.0.0/33", "all", "10.1.2.3/8", "127.0.0.1/8"):
            with self.subTest(value):
                self.use_settings(outgoing_networks=value)
                self.assertRefused("https://127.0.0.1/", "Setting outgoing_networks")

    def test_hosts(self):
        for url, hosts in (
            ("https://bank.example/", []),
            ("https://bank.example/", ["example"]),
            ("https://bank.example/", ["*.example"]),
            ("https://bank.example/", ["other.example", "xbank.example"]),
            ("https://bank.example:8443/", ["bank.example"]),
            ("https://bank.example/", ["bank.example:8443"]),
        ):
            with self.subTest(url=url, hosts=hosts):
                self.resolve_to("127.0.0.1")
                self.assertRefused(url, "not among the hosts", hosts=hosts)
                self.assertFalse(self.questions)

    def test_unknown_name(self):
        def getaddrinfo(*_args, **_kwargs):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        self.startPatcher(patch.object(gateway.socket, "getaddrinfo", getaddrinfo))
        self.assertFailed("https://bank.example/", "bank.example: the name has no address", False)

    def test_rebinding(self):
        """The name changes its address after the check: nobody asks for it again."""
        server = self.serve(saying(OK))
        self.resolve_to("127.0.0.1", "10.0.0.1")
        reply = self.post(
            f"http://bank.example:{server.port}/", hosts=[f"BANK.example:{server.port}"]
        )
        self.assertEqual(reply.status, 200)
        self.assertEqual(self.questions, ["bank.example"])
        self.assertRefused(f"http://bank.example:{server.port}/", "must be called by https")

    def test_next_address(self):
        """An address that nobody listens on does not end the search."""
        server = self.serve(saying(OK))
        self.resolve_to(["::1", "127.0.0.1"])
        self.assertEqual(self.post(f"http://bank.example:{server.port}/").body, b"ok")

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.assertFailed(f"http://127.0.0.1:{port}/", "Connection refused", False)


class TestExchange(GatewayCase):
    def test_post(self):
        answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\nX-Some: a\r\n\r\n\x00\xff{}"
        server = self.serve(saying(answer))
        reply = self.post(
            f"http://127.0.0.1:{server.port}/a/b?c=d",
            b'{"a": 1}',
            {"Content-Type": "application/json", "Signature": "x..y", "Host": "evil.example"},
        )
        self.assertEqual((reply.status, reply.headers["x-some"]), (202, "a"))
        self.assertEqual(reply.body, b"\x00\xff{}")
        head, _blank, body = server.requests[0].partition(b"\r\n\r\n")
        self.assertEqual(body, b'{"a": 1}')
        self.assertTrue(head.startswith(b"POST /a/b?c=d HTTP/1.1\r\n"))
        lines = head.split(b"\r\n")
        self.assertIn(f"Host: 127.0.0.1:{server.port}".encode(), lines)
        for line in (b"Signature: x..y", b"Accept-Encoding: identity", b"Content-Length: 8"):
            self.assertIn(line, lines)
        self.assertNotIn(b"evil.example", head)

    def test_get(self):
        server = self.serve(saying(OK))
        url = f"http://127.0.0.1:{server.port}/keys"
        hosts = [f"127.0.0.1:{server.port}"]
        self.assertEqual(gateway.get(url, hosts=hosts).body, b"ok")
        self.assertTrue(server.requests[0].startswith(b"GET /keys HTTP/1.1\r\n"))
        self.assertNotIn(b"Content-Length", server.requests[0])

    def test_ipv6(self):
        server = self.serve(saying(OK), host="::1")
        self.assertEqual(self.post(f"http://[::1]:{server.port}/").status, 200)
        self.assertIn(f"Host: [::1]:{server.port}\r\n".encode(), server.requests[0])
        self.assertRefused(f"http://[::ffff:127.0.0.1]:{server.port}/", "https")

    def test_forms_of_bodies(self):
        for answer, body in (
            (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
            (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
            (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
            (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
                b"ab",
            ),
        ):
            with self.subTest(answer):
                server = self.serve(saying(answer))
                self.assertEqual(self.post(f"http://127.0.0.1:{server.port}/").body, body)

    def test_no_redirect(self):
        other = self.serve(saying(OK))
        for status in (301, 302, 303, 307, 308):
            location = f"Location: http://127.0.0.1:{other.port}/\r\n"
            answer = f"HTTP/1.1 {status} Elsewhere\r\n{location}Content-Length: 0\r\n\r\n"
            server = self.serve(saying(answer.encode()))
            with self.subTest(status):
                self.assertEqual(self.post(f"http://127.0.0.1:{server.port}/").status, status)
        self.assertFalse(other.requests)

    def test_no_proxy_of_the_environment(self):
        proxy = self.serve(saying(OK))
        url = f"http://user:secret@127.0.0.1:{proxy.port}"
        names = ("http_proxy", "https_proxy", "all_proxy")
        proxies = {name: url for name in names} | {name.upper(): url for name in names}
        self.startPatcher(patch.dict(os.environ, proxies))
        server = self.serve(saying(OK))
        self.assertEqual(self.post(f"http://127.0.0.1:{server.port}/").status, 200)
        self.assertFalse(proxy.requests)
        self.assertNotIn(b"uthorization", server.requests[0])

    def test_no_cookies(self):
        answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
        server = self.serve(saying(answer))
        for _try in range(2):
            self.post(f"http://127.0.0.1:{server.port}/")
        self.assertNotIn(b"ookie", server.requests[1])

    def test_no_decompression(self):
        """A small body stays small."""
        bomb = gzip.compress(b"\x00" * 10_000_000)
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        server = self.serve(saying(head.encode() + bomb))
        self.assertEqual(self.post(f"http://127.0.0.1:{server.port}/").body, bomb)

    def test_size(self):
        body = b"x" * 1001
        chunk = b"%x\r\n%s\r\n" % (len(body), body)
        for head, ending in (
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", body),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", body * 50),
            (b"HTTP/1.1 200 OK\r\n\r\n", body * 50),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk * 50),
        ):
            with self.subTest(head):
                server = self.serve(saying(head, ending))
                url = f"http://127.0.0.1:{server.port}/secret?key=1"
                error = self.assertFailed(url, "exceeds 1000 bytes", True, max_bytes=1000)
                self.assertNotIn("secret", str(error))
                self.assertNotIn("key", str(error))
        server = self.serve(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + body))
        self.assertEqual(self.post(f"http://127.0.0.1:{server.port}/", max_bytes=1001).body, body)

    def test_broken_answers(self):
        for answer, text in (
            (b"", "the connection broke"),
            (b"no HTTP\r\n\r\n", "no HTTP"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "IncompleteRead"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "IncompleteRead"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no HTTP"),
            (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "LineTooLong"),
            (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "no HTTP"),
        ):
            with self.subTest(answer[:60]):
                server = self.serve(saying(answer))
                self.assertFailed(f"http://127.0.0.1:{server.port}/", text, True)

    def test_time(self):
        """Each byte comes in time, and all together do not."""
        head = b"HTTP/1.1 200 OK\r\n"
        for name, behave in (
            ("silence", saying(b"", pause=1.5)),
            ("status", dripping(b"HTTP")),
            ("header", dripping(head + b"X: ")),
            ("headers", dripping(head, b"X: y\r\n")),
            ("continue", dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
            ("length", dripping(head + b"Content-Length: 1000\r\n\r\n")),
            ("until the end", dripping(head + b"\r\n")),
            ("chunks", dripping(head + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")),
        ):
            with self.subTest(name):
                server = self.serve(behave)
                started = time.monotonic()
                url = f"http://127.0.0.1:{server.port}/"
                self.assertFailed(url, "no complete answer within 0.4 s", True, timeout=(0.3, 0.4))
                self.assertLess(time.monotonic() - started, 4)  # of 5

    def test_time_of_sending(self):
        """A receiver that takes nothing."""
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        body = b"x" * 30_000_000
        self.assertFailed(url, "within 0.4 s", True, body=body, timeout=(0.3, 0.4))


class TestTls(GatewayCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.authority = Authority(Path(folder))

    def use_authority(self):
        self.use_settings(
            outgoing_networks=LOOPBACK, outgoing_ca_file=str(self.authority.certificate_path)
        )

    def serve_as(self, *names, behave=None, **options):
        context = self.authority.server_context(names)
        return self.serve(behave or saying(OK), context=context, **options)

    def test_pinned(self):
        """The checked address, with SNI and certificate of the name."""
        self.use_authority()
        server = self.serve_as("bank.example")
        self.resolve_to("127.0.0.1", "10.0.0.1")
        reply = self.post(f"https://bank.example:{server.port}/a", b"x" * 500_000)
        self.assertEqual((reply.status, reply.body), (200, b"ok"))
        self.assertEqual(server.names, ["bank.example"])
        self.assertEqual(self.questions, ["bank.example"])
        self.assertIn(f"Host: bank.example:{server.port}\r\n".encode(), server.requests[0])
        self.assertEqual(len(server.requests[0].partition(b"\r\n\r\n")[2]), 500_000)

    def test_address_as_name(self):
        self.use_authority()
        server = self.serve_as(ipaddress.ip_address("127.0.0.1"))
        self.assertEqual(self.post(f"https://127.0.0.1:{server.port}/").body, b"ok")

    def test_other_name(self):
        self.use_authority()
        server = self.serve_as("other.example", ipaddress.ip_address("127.0.0.1"))
        self.resolve_to("127.0.0.1")
        self.assertFailed(
            f"https://bank.example:{server.port}/", "certificate is not accepted .*ostname", False
        )
        self.assertFalse(server.requests)

    def test_unknown_authority(self):
        server = self.serve_as("bank.example")
        self.resolve_to("127.0.0.1")
        self.assertFailed(
            f"https://bank.example:{server.port}/", "certificate is not accepted", False
        )
        self.assertFalse(server.requests)

    def test_expired(self):
        self.use_authority()
        context = self.authority.server_context(["bank.example"], days=-1)
        server = self.serve(saying(OK), context=context)
        self.resolve_to("127.0.0.1")
        self.assertFailed(f"https://bank.example:{server.port}/", "expired", False)

    def test_old_tls(self):
        self.use_authority()
        context = self.authority.server_context(["bank.example"])
        with self.assertWarns(DeprecationWarning):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        server = self.serve(saying(OK), context=context)
        self.resolve_to("127.0.0.1")
        self.assertFailed(f"https://bank.example:{server.port}/", "TLS failed", False)

    def test_no_tls(self):
        server = self.serve(saying(OK))
        url = f"https://127.0.0.1:{server.port}/"
        with self.assertRaises(gateway.GatewayFailed) as caught:
            self.post(url, timeout=(0.5, 1))
        self.assertFalse(caught.exception.maybe_sent)

    def test_handshake_takes_too_long(self):
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        started = time.monotonic()
        self.assertFailed(url, "no connection within 0.3 s", False, timeout=(0.3, 5))
        self.assertLess(time.monotonic() - started, 4)  # of 5

    def test_drip(self):
        self.use_authority()
        server = self.serve_as("bank.example", behave=dripping(b"HTTP/1.1 200 OK\r\nX: "))
        self.resolve_to("127.0.0.1")
        url = f"https://bank.example:{server.port}/"
        self.assertFailed(url, "no complete answer", True, timeout=(0.3, 0.5))

    def test_missing_authorities(self):
        self.use_settings(outgoing_networks=LOOPBACK, outgoing_ca_file="/nowhere/ca.pem")
        self.assertRefused("https://127.0.0.1/", "Setting outgoing_ca_file")


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test authority")
        certificate = (
            _builder(self._name, self._name, self._key, 1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate_path = folder / "ca.pem"
        self.certificate_path.write_bytes(_pem(certificate))

    def server_context(self, names, days=1):
        key = ec.generate_private_key(ec.SECP256R1())
        subjects = [
            x509.DNSName(name) if isinstance(name, str) else x509.IPAddress(name) for name in names
        ]
        certificate = (
            _builder(_name("Test server"), self._name, key, days)
            .add_extension(x509.SubjectAlternativeName(subjects), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(_pem(certificate) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def _builder(subject, issuer, key, days):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
    )
