"""Requests to the page's server."""

from __future__ import annotations

import http.client
import json


def ask(port, method, path, body=None, **headers):
    """Status, content and headers."""
    headers = {"Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}"} | headers
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items() if value})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


def crop(place, number=3):
    return (place / "crops" / f"cam{number % 2}" / f"{number}.png").read_bytes()


def search(port, content, query=""):
    status, content, _ = ask(port, "POST", f"/search{query}", content)
    return status, json.loads(content)
