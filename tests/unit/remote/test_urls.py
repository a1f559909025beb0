"""URLs that follow from the configured one."""

from __future__ import annotations

import pytest

from belabox_metrics.errors import ConfigProblem
from belabox_metrics.remote.urls import date_url, endpoint, export_url, origin


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://vm:8428/api/v1/import", "http://vm:8428/api/v1/import"),
        ("https://vm.example/api/v1/import?token=canary#canary", "https://vm.example/api/v1/import"),
        ("http://user:canary@vm/x", "http://vm/x"),
        ("http://[::1]:8428/x", "http://[::1]:8428/x"),
        ("HTTP://VM/x", "http://vm/x"),
        ("http://vm", "http://vm"),
    ],
)
def test_endpoint_shows_no_secret(url: str, shown: str) -> None:
    assert endpoint(url) == shown


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://vm/a", "http://vm:80/b?c", True),
        ("https://vm/", "https://VM:443/", True),
        ("http://vm/", "https://vm/", False),
        ("http://vm:8428/", "http://vm:8429/", False),
        ("https://vm/", "https://vm.example/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (origin(one) == origin(other)) is same


@pytest.mark.parametrize(
    ("url", "query_url", "export"),
    [
        ("http://vm:8428/api/v1/import", "", "http://vm:8428/api/v1/export"),
        ("http://vm:8428/api/v1/import?extra_label=a=b", "", "http://vm:8428/api/v1/export"),
        ("https://vm/prefix/api/v1/import", "", "https://vm/prefix/api/v1/export"),
        ("http://vm/api/v1/write", "", "http://vm/api/v1/export"),
        ("http://vm/api/v1/metrics", "", "http://vm/api/v1/export"),
        (
            "http://vminsert:8480/insert/7/prometheus/api/v1/import",
            "",
            "http://vminsert:8480/select/7/prometheus/api/v1/export",
        ),
        (
            "http://vminsert:8480/insert/7:1/prometheus/api/v1/import",
            "http://vmselect:8481",
            "http://vmselect:8481/select/7:1/prometheus/api/v1/export",
        ),
        ("http://vm/my/insert/0/api/v1/import", "", "http://vm/my/insert/0/api/v1/export"),
        ("http://vm/api/v1/import", "http://other/", "http://other/api/v1/export"),
        ("http://vm/api/v1/import", "http://other/api/v1/query", "http://other/api/v1/export"),
        (
            "http://vm/api/v1/import",
            "http://other/select/0/prometheus",
            "http://other/select/0/prometheus/api/v1/export",
        ),
        ("http://vm/receive", "http://other/select/0/prometheus/", "http://other/select/0/prometheus/api/v1/export"),
        ("http://vm/receive", "http://other/api/v1/?key=k", "http://other/api/v1/export?key=k"),
    ],
)
def test_where_to_ask_what_arrived(url: str, query_url: str, export: str) -> None:
    assert export_url(url, query_url) == export


@pytest.mark.parametrize("query_url", ["", "http://other", "http://other/"])
def test_where_to_ask_can_be_unknown(query_url: str) -> None:
    with pytest.raises(ConfigProblem, match=r"remote\.url: has no /api/v1/.*set remote\.query_url"):
        export_url("http://vm/receive?token=canary", query_url)


@pytest.mark.parametrize(
    ("url", "configured", "asked"),
    [
        ("http://vm:8428/api/v1/import?token=canary", "", "http://vm:8428/health"),
        ("https://[::1]/insert/0/prometheus/api/v1/import", "", "https://[::1]/health"),
        ("http://vm/api/v1/import", "https://time.example/?x", "https://time.example/?x"),
    ],
)
def test_where_to_ask_the_time(url: str, configured: str, asked: str) -> None:
    assert date_url(url, configured) == asked
