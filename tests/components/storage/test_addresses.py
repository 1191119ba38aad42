"""No address that is shown holds a password."""

import pytest

from components.storage.addresses import shown


@pytest.mark.parametrize(
    ("address", "bare"),
    [
        ("http://me:PLANTED@mlflow:5000/x", "http://mlflow:5000/x"),
        ("https://PLANTED@host/api", "https://host/api"),
        ("postgresql+psycopg://me:PLAN/TED@db:5432/unimed", "postgresql+psycopg://db:5432/unimed"),
        ("http://me:PLAN@TED@host/", "http://host/"),
        ("http://:PLANTED@[::1]:4200/api", "http://[::1]:4200/api"),
        ("postgresql://db/unimed?user=me&password=PLANTED&sslmode=require", "postgresql://db/unimed?user=me&password=…&sslmode=require"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=PLANTED&X-Amz-Date=1", "https://b.s3.amazonaws.com/k?X-Amz-Signature=…&X-Amz-Date=1"),
        ("API request to http://me:PLANTED@h/a failed, as http://me:PLANTED@h/b did", "API request to http://h/a failed, as http://h/b did"),
    ],
)  # fmt: skip
def test_user_password_and_signature_go(address, bare):
    assert shown(address) == bare


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:////home/me@work/.unimed/mlflow.db",
        "file:///data/a:b@c",
        "s3://bucket/mail@host/key",
        "http://127.0.0.1:5000",
        "mail me@host, at 12:00",
        "https://host/?page=2&step=3",
    ],
)
def test_what_holds_none_stays(address):
    assert shown(address) == address
