"""Every setting of the rater, in one place: `RATER_*` environment variables and `.env`."""

from __future__ import annotations

import difflib
import os
import ssl
from typing import Any, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rater.rating.limits import PARTITIONS

Role = Literal[
    "calls",
    "charges",
    "spend",
    "alerts",
    "rejected",
    "rejected-cdrs",
    "resolutions",
    "catalog",
    "progress",
    "imports",
    "undelivered",
]


OTHERS = ("RATER_TEST_", "RATER_POSTGRES_", "RATER_NOTIFY_")
"""Variables of the tests, of docker-compose.yml and of the files of rater notify, which are no settings."""


def _dotenv() -> list[str]:
    """The names of a file `.env`; none where there is none that can be read."""
    try:
        return list(dotenv_values(".env", interpolate=False))
    except (OSError, UnicodeDecodeError):
        return []


class Settings(BaseSettings):
    """Read once at the start of a process; an error names the variable."""

    model_config = SettingsConfigDict(env_prefix="RATER_", env_file=".env", extra="ignore", frozen=True)

    bootstrap_servers: str = Field("localhost:9092", description="Kafka's addresses, host:port, separated by commas")
    topic_prefix: str = Field(
        "", pattern=r"^[A-Za-z0-9._-]{0,80}$", description="put before every topic's name and the app's id"
    )
    app_id: str = Field(
        "rater",
        pattern=r"^[A-Za-z0-9._-]{1,80}$",
        description="the consumer group; with the prefix before it, it starts changelogs' and transactional ids' names",
    )
    partitions: int = Field(
        4, ge=1, le=PARTITIONS, description="partitions of the log (N); can never be changed for a log"
    )
    replication: int = Field(3, ge=1, le=10, description="replicas of each topic that `rater topics create` makes")
    min_insync_replicas: int = Field(2, ge=1, le=10, description="replicas that must have a record before it counts")
    tick_interval: float = Field(60, ge=0, description="seconds between clock ticks in the log; 0 writes none")
    spend: bool = Field(default=True, description="0: no snapshots for dashboards in the topic spend")
    session_timeout: float = Field(10, ge=1, description="seconds until a worker that went silent loses its partitions")
    rebalance_timeout: float = Field(20, ge=1, description="seconds that workers have to join a rebalance")
    transaction_timeout: float = Field(
        10, ge=1, description="seconds that a transaction may take before the worker ends"
    )
    request_timeout: float = Field(5, ge=1, description="seconds that a request to Kafka may take")
    max_poll_records: int = Field(2000, ge=1, description="records of one fetch")
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field("none", description="of what we produce")
    instance_id: str | None = Field(None, description="a worker's fixed name: a quick restart causes no rebalance")
    health_host: str = Field("127.0.0.1", description="where /live and /ready are served")
    health_port: int = Field(0, ge=0, le=65535, description="the port of /live and /ready; 0 serves none")
    database_url: SecretStr | None = Field(
        None,
        description="the read model: postgresql://user:password@host/name, or sqlite:///file; left out, rater.db here",
    )
    console_host: str = Field("127.0.0.1", description="where the console and the REST API are served")
    console_port: int = Field(8300, ge=0, le=65535, description="their port; 0 takes a free one")
    console_token: SecretStr | None = Field(
        None, min_length=16, description="what people and programs log in with, at least 16 characters"
    )
    door_host: str = Field("127.0.0.1", description="where the door is served")
    door_port: int = Field(8400, ge=0, le=65535, description="its port; 0 takes a free one")
    door_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s]+[^/\s]$",
        description="where the console finds the door, http://door:8400, which resolves rejected records",
    )
    door_tokens: SecretStr | None = Field(
        None, description="who may write at the door: entries of rater door token, with spaces between them"
    )
    door_tokens_file: FilePath | None = Field(None, description="a file with such entries, one a line")
    mask_numbers: Literal["all", "middle", "none"] = Field(
        "all",
        description="called numbers on statements: all hides them and keeps none, middle shows +86138****04, none all",
    )
    issuer_file: FilePath | None = Field(None, description="who issues statements: a YAML file with name, address, ...")
    customers_file: FilePath | None = Field(
        None, description="the customers: a CSV file with account, name, number, language, address"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")
    log_json: bool = Field(default=False, description="one JSON object a log line")
    dev: bool = Field(default=False, description="1 on one broker: weak durability is a warning, not an error")
    embedded: bool = Field(default=False, description="1 on the demo's embedded broker, which cannot describe topics")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how to talk to Kafka"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("PLAIN", description="how to log in")
    sasl_username: str | None = Field(None, description="Kafka user")
    sasl_password: SecretStr | None = Field(None, description="Kafka password")
    ssl_cafile: FilePath | None = Field(None, description="file of the authorities to trust; else the system's")
    ssl_certfile: FilePath | None = Field(None, description="file of our certificate, where Kafka wants one")
    ssl_keyfile: FilePath | None = Field(None, description="file of our certificate's key")
    ssl_key_password: SecretStr | None = Field(None, description="password of that key")

    @model_validator(mode="after")
    def _nothing_is_misspelt(self) -> Self:
        known = {f"RATER_{name.upper()}" for name in type(self).model_fields}
        for name in sorted(name.upper() for name in (*os.environ, *_dotenv()) if name.upper().startswith("RATER_")):
            near = difflib.get_close_matches(name, known, 1, 0.85)
            if name not in known and near and not name.startswith(OTHERS):
                raise ValueError(f"{name} is no setting; is {near[0]} meant? rater settings prints them all")
        return self

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(f"{self.security_protocol} needs RATER_SASL_USERNAME and RATER_SASL_PASSWORD")
        return self

    def topic(self, role: str) -> str:
        """The real name of a topic by its role (`charges`)."""
        return f"{self.topic_prefix}{role}"

    @property
    def full_app_id(self) -> str:
        """The consumer group: two prefixes on one cluster are two systems that never meet."""
        return f"{self.topic_prefix}{self.app_id}"

    def client_options(self) -> dict[str, Any]:
        """aiokafka's connection options; every client of the rater is made with them."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password.get_secret_value() if self.sasl_password else None
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ssl_cafile)
        if self.ssl_certfile:
            password = self.ssl_key_password.get_secret_value() if self.ssl_key_password else None
            context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile, password)
        return context
