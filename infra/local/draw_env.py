"""Writes env.sh for up.sh to the standard output: ports that are free now, secrets, and the addresses made of them;
and s3.json, the S3 server's keys with their rights, into the folder."""

import json
import os
import secrets
import shlex
import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

PORTS = ("POSTGRES", "S3", "S3_MASTER", "S3_VOLUME", "S3_FILER", "MLFLOW", "PREFECT", "RAY", "RAY_CLIENT")
PASSWORDS = ("MLFLOW_DB", "PREFECT_DB", "UNIMED_OWNER", "UNIMED_APP")
RIGHTS = {
    "ADMIN": ["Admin"],
    "WORKSPACE": ["Read:unimed-store", "List:unimed-store", "Write:unimed-store"],
    "MLFLOW": ["Read:unimed-mlflow", "List:unimed-mlflow", "Write:unimed-mlflow"],
}


def main(folder: Path) -> None:
    """Ports of 20,000 to 22,700: above those that Ray gives to its processes, and the kernel gives out none of them nor of
    those 10,000 above, which SeaweedFS takes too."""
    values = {f"{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    values |= {f"{name}_PASSWORD": secrets.token_hex(16) for name in PASSWORDS}
    for name in RIGHTS:
        values |= {f"{name}_ACCESS_KEY": secrets.token_hex(8), f"{name}_SECRET_KEY": secrets.token_hex(20)}
    host = "127.0.0.1"
    values |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{values['S3_PORT']}",
        "AWS_ACCESS_KEY_ID": values["WORKSPACE_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": values["WORKSPACE_SECRET_KEY"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_TRACKING_URI": f"http://{host}:{values['MLFLOW_PORT']}",
        "PREFECT_API_URL": f"http://{host}:{values['PREFECT_PORT']}/api",
        "UNIMED_DATABASE_URL": f"postgresql+psycopg://unimed_app:{values['UNIMED_APP_PASSWORD']}@{host}:{values['POSTGRES_PORT']}/unimed",
        "UNIMED_OWNER_URL": f"postgresql+psycopg://unimed_owner:{values['UNIMED_OWNER_PASSWORD']}@{host}:{values['POSTGRES_PORT']}/unimed",
        "UNIMED_REMOTE": "s3://unimed-store",
        "RAY_ADDRESS": f"{host}:{values['RAY_PORT']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(20),
        # Short: names of Unix sockets end at 107 letters.
        "RAY_FOLDER": tempfile.mkdtemp(prefix="ray-", dir="/tmp"),
    }
    identities = [
        {
            "name": name.lower(),
            "actions": rights,
            "credentials": [{"accessKey": values[f"{name}_ACCESS_KEY"], "secretKey": values[f"{name}_SECRET_KEY"]}],
        }
        for name, rights in RIGHTS.items()
    ]
    opened = os.open(folder / "s3.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w") as file:
        json.dump({"identities": identities}, file, indent=1)
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback address that nobody listens on, nor on the one 10,000 above."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            port = 20_000 + secrets.randbelow(2_700)
            try:
                for wanted in (port, port + 10_000):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", wanted))
            except OSError:
                continue
            found.append(port)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
