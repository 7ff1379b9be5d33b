"""Pulumi's home in a sandbox: a backend, a passphrase, and the Kubernetes plugin, apart from the user's own."""

import secrets
from pathlib import Path

from . import orphans, plugin


class Engine:
    """What the Pulumi CLI keeps in `home`; nothing of it reaches the user's own home or login."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def prepare(self) -> None:
        """Make the home if it is not there; afterwards it has a Kubernetes plugin."""
        self.end_orphans()
        (self.home / "backend").mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._passphrase.exists():
            self._passphrase.touch(mode=0o600)
            self._passphrase.write_text(secrets.token_hex(16))
        plugin.provide(self.home)

    def environment(self) -> dict[str, str]:
        return {
            "PULUMI_HOME": str(self.home),
            # a kill can leave the metadata of a state half-written, and then nothing loads it
            "PULUMI_BACKEND_URL": f"file://{self.home / 'backend'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def end_orphans(self) -> None:
        """End what a killed CLI left: Pulumi's language host and its plugin for Python do not see that it is gone."""
        orphans.end(f"PULUMI_HOME={self.home}")

    @property
    def _passphrase(self) -> Path:
        return self.home / "passphrase"
