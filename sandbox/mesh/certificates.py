"""The certificates of a bed: one root, and under it a certificate authority for each cluster's istiod."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_VALIDITY = timedelta(days=30)


class Root:
    """The authority that all clusters have in common. Its key exists only in memory."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _signed(_name("common root"), self._key.public_key(), _name("common root"), self._key)

    @property
    def pem(self) -> str:
        return _pem(self._certificate)

    def issue(self, cluster: str, directory: Path) -> None:
        """Write an intermediate authority into `directory`, as istiod expects it."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(_name(f"istiod of {cluster}"), key.public_key(), self._certificate.subject, self._key)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "ca-cert.pem").write_text(_pem(certificate))
        (directory / "cert-chain.pem").write_text(_pem(certificate) + self.pem)
        (directory / "root-cert.pem").write_text(self.pem)
        secret = directory / "ca-key.pem"
        secret.touch(mode=0o600)
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # clocks of two processes are never quite the same
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
