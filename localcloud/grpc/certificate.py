"""A certificate authority of the local cloud's own, and the certificate its servers show.

Clients that cannot be given an insecure channel trust it through `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`
or `REQUESTS_CA_BUNDLE`. Both keys stay in the state directory, readable by their owner only.
"""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 365
HOST_NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificate:
    """What a server shows, and what a client trusts.

    Attributes:
        authority: File of the authority's certificate, in PEM.
        chain: The server's certificate, in PEM.
        key: The server's private key, in PEM.
    """

    authority: Path
    chain: bytes
    key: bytes


def certificate(folder: Path, now: datetime.datetime) -> Certificate:
    """The certificate kept in a folder; made when there is none that lasts another day.

    Args:
        folder: Where it is kept; made when it is not there.
        now: The time.
    """
    authority, chain, key = (folder / name for name in ("ca.pem", "server.pem", "server.key"))
    if not (authority.exists() and key.exists() and _lasts(chain, now)):
        folder.mkdir(parents=True, exist_ok=True)
        _make(authority, chain, key, now)
    return Certificate(authority, chain.read_bytes(), key.read_bytes())


def _lasts(chain: Path, now: datetime.datetime) -> bool:
    if not chain.exists():
        return False
    shown = x509.load_pem_x509_certificate(chain.read_bytes())
    return shown.not_valid_after_utc > now + datetime.timedelta(days=1)


def _make(authority: Path, chain: Path, key: Path, now: datetime.datetime) -> None:
    signing_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("bqvertex local cloud authority")
    root = (
        _builder(issuer, issuer, signing_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(signing_key, hashes.SHA256())
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in HOST_NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
    server = (
        _builder(_name("bqvertex local cloud"), issuer, server_key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
        .sign(signing_key, hashes.SHA256())
    )
    key.touch(mode=0o600)
    key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(server.public_bytes(serialization.Encoding.PEM))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A day back, for clocks that are not the same.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
