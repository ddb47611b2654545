"""Servers of Spark Connect that tests drive: Sail, and Spark's own where there is one with Java."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers import find_free_port

NEEDS_SPARK = "needs Spark's own server: SPARK_HOME, and java 17 or later"


def find_spark() -> Path | None:
    """Return the folder of an unpacked Spark that can start here."""
    named = os.environ.get("SPARK_HOME")
    if not named or shutil.which("java") is None:
        return None
    folder = Path(named)
    return folder if (folder / "bin" / "spark-submit").is_file() else None


class Server:
    """A server of our own on loopback; ``sail`` or ``spark``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.port = find_free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"yucun-{kind}-"))
        self.log = self.folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )
        self._wait(120 if kind == "spark" else 60)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"sc://127.0.0.1:{self.port}"

    def _command(self) -> list[str]:
        if self.kind == "sail":
            serve = ["spark", "server", "--ip", "127.0.0.1", "--port", str(self.port)]
            return [sys.executable, "-m", "pysail", *serve]
        home = find_spark()
        assert home is not None, NEEDS_SPARK
        settings = {
            "spark.connect.grpc.binding.port": self.port,
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": "2g",
            "spark.master": "local[2]",
            "spark.sql.shuffle.partitions": 2,
            "spark.sql.warehouse.dir": self.folder / "warehouse",
            "spark.ui.enabled": "false",
        }
        said = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        served = "org.apache.spark.sql.connect.service.SparkConnectServer"
        return [str(home / "bin" / "spark-submit"), *said, "--class", served, "spark-internal"]

    def _environment(self) -> dict[str, str]:
        # A zone far from UTC, so that a server which took its own would be found out.
        return {**os.environ, "RUST_LOG": "error", "TZ": "Asia/Shanghai", "SPARK_NO_DAEMONIZE": "1"}

    def _wait(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while self.process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.kind} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Stop it and all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)
