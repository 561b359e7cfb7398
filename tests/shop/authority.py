"""A certificate authority of the shop's own, by way of the `openssl` command."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from tests.shop.processes import TakeError

LIFE = timedelta(days=90)
SETTINGS = """
[ca]
default_ca = it
[it]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Issues certificates into its folder: `authority.pem` is what clients trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "settings").write_text(SETTINGS, encoding="ascii")
        (folder / "index.txt").touch()
        own = ("-subj", "/CN=Shop CA", "-addext", "basicConstraints=critical,CA:TRUE")
        files = ("-keyout", "authority.key", "-out", "authority.pem", "-days", "3650")
        self._openssl("req", "-x509", *KEY, *files, *own)

    def issue(self, name: str, ends: datetime) -> None:
        """Write `<name>.pem` and `<name>.key`, valid for 90 days that are over at `ends` (UTC)."""
        subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
        if not (self._folder / f"{name}.csr").exists():
            files = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
            self._openssl("req", "-new", *KEY, *files, *subject)
        times = ("-startdate", stamp(ends - LIFE), "-enddate", stamp(ends))
        signer = ("-cert", "authority.pem", "-keyfile", "authority.key")
        draft = f"{name}.draft"
        self._openssl(
            "ca", "-batch", "-notext", *signer, *times, "-in", f"{name}.csr", "-out", draft
        )
        (self._folder / draft).replace(self._folder / f"{name}.pem")

    def _openssl(self, command: str, *words: str) -> None:
        done = subprocess.run(
            ["openssl", command, "-config", "settings", *words],
            cwd=self._folder,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace")[-400:]
            raise TakeError(f"openssl {command} failed: {said}")


def stamp(at: datetime) -> str:
    """Give a time as `openssl ca` takes it."""
    return at.strftime("%Y%m%d%H%M%SZ")
