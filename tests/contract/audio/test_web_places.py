"""Recordings on a web server: a real one, which is as careless as some are."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.rpc.learner.recordings import encoded, tone

from aloe.learner.adapters.audio.places import Places
from aloe.learner.adapters.audio.reading import MAX_FILE_BYTES
from aloe.learner.adapters.audio.web import WebPlace, WebTimes
from aloe.learner.domain.errors import AudioNotFound

RECORDING = encoded(tone())
SECRET = b"root:x:0:0:root:/root:/bin/bash\n"


class Web(BaseHTTPRequestHandler):
    """Decodes paths and steps up as careless servers do; some paths do odd things."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"GET {self.path}")
        name = self.path.partition("?")[0].rpartition("/")[2].partition(".")[0]
        getattr(self, name.replace("-", "_"), self.recording)()

    def recording(self) -> None:
        self._send(len(RECORDING), RECORDING)

    def redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/secret/a.wav")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def endless(self) -> None:
        self._send(None)
        while True:
            self.wfile.write(RECORDING[:44] + bytes(1 << 20))

    def slow(self) -> None:
        self._send(len(RECORDING))
        for byte in RECORDING:
            self.wfile.write(bytes([byte]))
            time.sleep(0.05)

    def slow_head(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(90):
            self.wfile.write(b"X-A: y\r\n")
            time.sleep(0.05)

    def silent(self) -> None:
        time.sleep(2)

    def large(self) -> None:
        self._send(MAX_FILE_BYTES + 1)

    def short(self) -> None:
        self._send(len(RECORDING), RECORDING[:-1])

    def text(self) -> None:
        self._send(len(SECRET), SECRET)

    def missing(self) -> None:
        self.send_error(404)

    def do_HEAD(self) -> None:
        self.asked.append(f"HEAD {self.path}")
        self.send_error(405)

    def _send(self, length: int | None, content: bytes = b"") -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def web() -> Iterator[tuple[str, list[str]]]:
    """The address of a web server, and what it was asked."""
    Web.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", Web.asked
        server.shutdown()


@pytest.fixture
def base(web: tuple[str, list[str]]) -> str:
    return f"http://{web[0]}/ok"


@pytest.mark.parametrize(
    "rest",
    ["/a.wav", "/sub/b%20c.wav", "/b%C3%A4.wav", "/bä.wav", "/a.wav?signature=x/../y", "/a..wav"],
)
def test_what_lies_on_an_allowed_web_server_is_asked_for_once(web, base: str, rest: str):
    web[1].clear()
    assert Places([base], hears_files=False).read(base + rest) == RECORDING
    assert [each.split()[0] for each in web[1]] == ["GET"]
    assert web[1][0].startswith("GET /ok/")


def test_the_web_is_not_asked_unless_it_is_named(web, base: str):
    web[1].clear()
    with pytest.raises(AudioNotFound, match="may not read"):
        Places([], hears_files=True).read(f"{base}/a.wav")
    assert web[1] == []


FORBIDDEN_WEB = {
    "beside": "http://{host}/secret/a.wav",
    "begins alike": "http://{host}/okay/a.wav",
    "the folder itself": "http://{host}/ok/",
    "steps up": "http://{host}/ok/../secret/a.wav",
    "encoded": "http://{host}/ok/%2e%2e/secret/a.wav",
    "half encoded": "http://{host}/ok/.%2E/secret/a.wav",
    "encoded slash": "http://{host}/ok/..%2fsecret/a.wav",
    "encoded twice": "http://{host}/ok/%252e%252e/secret/a.wav",
    "encoded thrice": "http://{host}/ok/%25252e%25252e%25252fsecret/a.wav",
    "encoded without end": "http://{host}/ok/%2525252525252e./a.wav",
    "backslash": "http://{host}/ok/..\\secret\\a.wav",
    "encoded backslash": "http://{host}/ok/..%5csecret%5ca.wav",
    "parameters": "http://{host}/ok/..;x=1/secret/a.wav",
    "empty segment": "http://{host}/ok//../secret/a.wav",
    "empty segments": "http://{host}/ok//a.wav",
    "dot": "http://{host}/ok/./a.wav",
    "NUL": "http://{host}/ok/a.wav%00.txt",
    "line break": "http://{host}/ok/a.wav%0d%0aHost:%20secret",
    "line break as it is": "http://{host}/ok/a.wav\r\nHost: secret",
    "tab": "http://{host}/o\tk/../secret/a.wav",
    "blank": " http://{host}/ok/a.wav",
    "fragment": "http://{host}/ok/a.wav#/../../secret",
    "a login": "http://u:p@{host}/ok/a.wav",
    "a host in the login's place": "http://{host}@elsewhere/ok/a.wav",
    "another scheme": "https://{host}/ok/a.wav",
    "another port": "http://127.0.0.1:1/ok/a.wav",
    "no port": "http://127.0.0.1/ok/a.wav",
    "a port that is none": "http://127.0.0.1:99999999/ok/a.wav",
    "another name of the host": "http://localhost:{port}/ok/a.wav",
    "another spelling of the host": "http://2130706433:{port}/ok/a.wav",
    "IPv6": "http://[::ffff:127.0.0.1]:{port}/ok/a.wav",
    "a broken literal": "http://[::1/ok/a.wav",
    "a chain": "simplecache::http://{host}/ok/a.wav",
    "a chain behind": "http://{host}/ok/a.wav::file:///etc/passwd/..",
    "long": "http://{host}/ok/" + "a" * 5_000,
}


@pytest.mark.parametrize("shape", FORBIDDEN_WEB)
def test_nothing_leads_out_of_an_allowed_place_of_the_web(web, base: str, shape: str):
    uri = FORBIDDEN_WEB[shape].format(host=web[0], port=web[0].partition(":")[2])
    web[1].clear()
    with pytest.raises(AudioNotFound, match="may not read") as caught:
        Places([base], hears_files=False).read(uri)
    assert web[1] == []
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("redirect.wav", "redirects are not followed"),
        ("large.wav", "over 67,"),
        ("endless.wav", "over 67,"),
        ("short.wav", "cut it off"),
        ("text.wav", "is no recording"),
        ("missing.wav", "says 404"),
    ],
)
def test_what_a_web_server_may_not_answer_is_told(web, base: str, name: str, told: str):
    web[1].clear()
    with pytest.raises(AudioNotFound, match=told) as caught:
        Places([base], hears_files=False).read(f"{base}/{name}?key=hunter2")
    assert len(web[1]) == 1
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["slow.wav", "slow-head.wav", "silent.wav"])
def test_a_web_server_that_takes_long_is_given_up(base: str, name: str):
    place = WebPlace(base, WebTimes(step_s=0.2, whole_s=0.4))
    uri = f"{base}/{name}"
    target = place.target_of(uri)
    assert target
    began = time.monotonic()
    with pytest.raises(AudioNotFound, match=r"takes over 0\.4 s|timed out"):
        place.read(uri, target)
    assert time.monotonic() - began < 1.5
