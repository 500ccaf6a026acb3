"""Hands a request on, with a header more."""

import http.client
from http.server import BaseHTTPRequestHandler

# They are between two neighbours only.
HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "proxy-connection"}


def hand_on(request: BaseHTTPRequestHandler, port: int, path: str, extra: dict[str, str]) -> None:
    """Sends the request to `port` and its answer back, as it comes: reports of checks are streamed."""
    body = request.rfile.read(int(request.headers.get("content-length") or 0))
    replaced = {name.lower() for name in extra}
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP | replaced]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        connection.putrequest(request.command, path, skip_host=True, skip_accept_encoding=True)
        for name, value in [*headers, *extra.items(), ("Content-Length", str(len(body)))]:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
    except OSError as error:
        connection.close()
        request.send_error(502, "It does not answer", str(error))
        return
    request.send_response_only(answer.status)
    for name, value in answer.getheaders():
        if name.lower() not in HOP:
            request.send_header(name, value)
    # The end of the connection is the end of the answer.
    request.send_header("Connection", "close")
    request.close_connection = True
    request.end_headers()
    while request.command != "HEAD" and (piece := answer.read1(65536)):
        request.wfile.write(piece)
        request.wfile.flush()
    connection.close()
