"""Looks at the way in: Meta's handshake at the stack's web port, and at its public address with its certificate."""

from __future__ import annotations

import datetime
import os
import secrets
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from console.doctor.diagnosis import Diagnosis, Said, fail, fine, warn
from console.doctor.servers import clock
from console.format import safe

PATH = "/webhooks/meta"
TIMEOUT_S = 10.0
CERTIFICATE_WARN_DAYS = 14
_LEAST_ANSWER = 4_096


async def local(web_url: str, verify_token: str) -> Said:
    """The web port of the stack."""
    mend = "leadsctl ps shows whether app runs, leadsctl logs app why not"
    return await _shake("webhook", web_url.rstrip("/") + PATH, verify_token, mend)


async def public(url: str, verify_token: str) -> Said:
    """The address that Meta calls. UsageError-free: what is off about it is said."""
    try:
        parts = urlsplit(url)
        _ = httpx.URL(url).host  # reads it as it will be asked for
    except (ValueError, httpx.InvalidURL):
        return (fail("public webhook", "the address is none", "give it as https://your.host"),)
    if parts.scheme != "https" or not parts.hostname:
        return (
            fail(
                "public webhook",
                "the address is no https:// one",
                "Meta calls HTTPS only: put a proxy with a certificate in front",
            ),
        )
    target = url if parts.path not in ("", "/") else url.rstrip("/") + PATH
    mend = "DNS, firewall and proxy must lead from outside to the web port"
    return await _shake("public webhook", target, verify_token, mend)


async def _shake(name: str, url: str, token: str, mend: str) -> Said:
    """Subscribe as Meta would. Source: developers.facebook.com, "Webhooks: Getting Started"."""
    if not token:
        return (
            fail(name, "META_VERIFY_TOKEN is not set: Meta could not subscribe", "set it in .env, then: leadsctl up"),
        )
    challenge = str(secrets.randbelow(10**12))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token}
    shown = safe(f"{urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}{urlsplit(url).path}", 120)
    asked_at = time.time()
    certificate: dict[str, Any] = {}
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=_trust()) as client,
            client.stream("GET", url, params=query) as answer,
        ):
            stream = answer.extensions.get("network_stream")
            secured = stream.get_extra_info("ssl_object") if stream is not None else None
            certificate = (secured.getpeercert() or {}) if secured is not None else {}
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _LEAST_ANSWER:
                    break
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        # The text of httpx's errors may hold the URL, and with it the token.
        return (_unreached(name, shown, error, mend),)
    said = [_judged(name, shown, answer.status_code, body, challenge)]
    said += [_certificate(certificate)] if certificate else []
    if date := _date(answer.headers.get("date", "")):
        whose = "the web service" if name == "webhook" else "the public address"
        said.append(clock(whose, date, asked_at, time.time(), grain_s=1.0))
    return said


def _judged(name: str, shown: str, status: int, body: bytes, challenge: str) -> Diagnosis:
    if status == 200 and body == challenge.encode():
        return fine(name, f"{shown} answers the handshake")
    if status == 200:
        mend = "it is another service, or a page in front of it: lead the path to the web port unchanged"
        return fail(name, f"{shown} answers, but not with the challenge", mend)
    if status == 403:
        mend = "leadsctl up starts app with the .env as it is now; a proxy in front may refuse too"
        return fail(name, f"{shown} does not take META_VERIFY_TOKEN", mend)
    if status == 404:
        return fail(
            name,
            f"{shown} is not there",
            "META_APP_SECRET must be set for app; a proxy must pass the path on unchanged",
        )
    if 300 <= status < 400:
        return fail(name, f"{shown} redirects, which Meta does not follow", "give Meta the address that it leads to")
    return fail(name, f"{shown} answers {status}", "leadsctl logs app shows why, or the log of the proxy in front")


def _unreached(name: str, shown: str, error: Exception, mend: str) -> Diagnosis:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = safe(cause.verify_message, 120)
            return fail(
                name,
                f"{shown}: its certificate is not trusted: {why}",
                "use one of a public authority, with its whole chain",
            )
        if isinstance(cause, ssl.SSLError):
            return fail(name, f"{shown} speaks no TLS that can be agreed on", "TLS 1.2 or later with a certificate")
        cause = cause.__cause__ or cause.__context__
    late = isinstance(error, httpx.TimeoutException)
    return fail(name, f"{shown} {'does not answer in time' if late else 'cannot be reached'}", mend)


def _certificate(certificate: dict[str, Any]) -> Diagnosis:
    """How long it still holds."""
    try:
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    except (KeyError, ValueError):
        return warn("certificate", "it does not say until when it holds")
    days = int((ends - time.time()) // 86_400)
    until = datetime.datetime.fromtimestamp(ends, datetime.UTC).date().isoformat()
    if days < CERTIFICATE_WARN_DAYS:
        return warn(
            "certificate",
            f"it ends in {days} days, on {until}",
            "renew it, and let that happen by itself (certbot, Caddy)",
        )
    return fine("certificate", f"holds until {until}")


def _trust() -> ssl.SSLContext:
    """The system's authorities; SSL_CERT_FILE names others, as OpenSSL has it."""
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE"):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _date(header: str) -> float:
    try:
        return parsedate_to_datetime(header).timestamp() if header else 0.0
    except ValueError:
        return 0.0
