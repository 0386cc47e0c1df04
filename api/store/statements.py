"""The SQL of the store. What is written goes over as one JSON text a statement: one parameter, any batch size."""

from __future__ import annotations

from typing import Final, LiteralString

LEAD_TEXTS: Final = (
    "page_id",
    "page_name",
    "form_id",
    "form_name",
    "ad_id",
    "ad_name",
    "campaign_id",
    "campaign_name",
    "full_name",
    "email",
    "phone",
    "phone_e164",
    "platform",
)
"""Columns of `leads` that are the text attributes of `Lead` of the same name."""

# A partial lead is completed, a complete one is left alone: whoever comes second changes nothing.
LEADS: Final[LiteralString] = """
INSERT INTO leads AS l (
    source, external_id, job_id, page_id, page_name, form_id, form_name, ad_id, ad_name, campaign_id, campaign_name,
    full_name, email, phone, phone_e164, platform, fields, consent, raw, status, is_test, cleaned, search,
    search_parts, created_at, received_at)
SELECT
    source, external_id, job_id, page_id, page_name, form_id, form_name, ad_id, ad_name, campaign_id, campaign_name,
    full_name, email, phone, phone_e164, platform, fields, consent, raw::jsonb, status, is_test, cleaned, search,
    search_parts, created_at, received_at
FROM json_to_recordset(%s::json) AS new (
    source text, external_id text, job_id text, page_id text, page_name text, form_id text, form_name text, ad_id text,
    ad_name text, campaign_id text, campaign_name text, full_name text, email text, phone text, phone_e164 text,
    platform text, fields jsonb, consent jsonb, raw text, status text, is_test boolean, cleaned boolean, search text,
    search_parts text, created_at timestamptz, received_at timestamptz)
ON CONFLICT (external_id, source) DO UPDATE SET
    job_id = excluded.job_id, page_id = excluded.page_id, page_name = excluded.page_name, form_id = excluded.form_id,
    form_name = excluded.form_name, ad_id = excluded.ad_id, ad_name = excluded.ad_name,
    campaign_id = excluded.campaign_id, campaign_name = excluded.campaign_name, full_name = excluded.full_name,
    email = excluded.email, phone = excluded.phone, phone_e164 = excluded.phone_e164, platform = excluded.platform,
    fields = excluded.fields, consent = excluded.consent, raw = excluded.raw, status = excluded.status,
    is_test = excluded.is_test, cleaned = excluded.cleaned, search = excluded.search,
    search_parts = excluded.search_parts, created_at = excluded.created_at, stored_at = clock_timestamp()
    WHERE l.status = 'partial' AND excluded.status <> 'partial'
RETURNING id, external_id, source
"""

NEW_IDS: Final[LiteralString] = "SELECT nextval('leads_id_seq') FROM generate_series(1, %s)"

# An empty name never replaces one that is known. What is there already is not even locked.
NAMES: Final[LiteralString] = """
INSERT INTO names AS n (kind, id, name)
SELECT kind, id, name FROM json_to_recordset(%s::json) AS new (kind text, id text, name text)
WHERE NOT EXISTS (SELECT FROM names AS o WHERE (o.kind, o.id) = (new.kind, new.id) AND new.name IN ('', o.name))
ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name WHERE excluded.name NOT IN ('', n.name)
"""

NAME_OF: Final[LiteralString] = "SELECT name FROM names WHERE kind = %s AND id = %s AND name <> ''"

LEAD_IDS: Final[LiteralString] = """
SELECT l.id, l.external_id, l.source
FROM unnest(%(ids)s::text[], %(sources)s::text[]) AS wanted (external_id, source)
JOIN leads AS l USING (external_id, source)
"""

DELIVERIES: Final[LiteralString] = """
INSERT INTO deliveries AS d (
    job_id, seq, source, external_id, outcome, attempts, request_id, worker, lead_id, received_at)
SELECT job_id, seq, source, external_id, outcome, attempts, request_id, worker, lead_id, received_at
FROM json_to_recordset(%s::json) AS new (
    job_id text, seq bigint, source text, external_id text, outcome text, attempts integer, request_id text,
    worker text, lead_id bigint, received_at timestamptz)
ON CONFLICT (job_id) DO UPDATE SET
    outcome = excluded.outcome, attempts = excluded.attempts, worker = excluded.worker, lead_id = excluded.lead_id,
    finished_at = clock_timestamp()
    WHERE d.outcome = 'discarded' AND excluded.outcome <> 'discarded'
RETURNING job_id
"""

ATTEMPTS: Final[LiteralString] = """
INSERT INTO attempts (job_id, n, started_at, worker, took_s, error)
SELECT job_id, n, started_at, worker, took_s, error
FROM json_to_recordset(%s::json) AS new (
    job_id text, n integer, started_at timestamptz, worker text, took_s double precision, error text)
ON CONFLICT DO NOTHING
"""

OUTCOMES: Final[LiteralString] = "SELECT job_id, outcome, lead_id FROM deliveries WHERE job_id = ANY (%s)"

DISPLACE: Final[LiteralString] = """
UPDATE deliveries SET seq = NULL WHERE seq = ANY (%(seqs)s) AND job_id <> ALL (%(jobs)s)
"""

TIDY: Final[LiteralString] = """
DELETE FROM tallies WHERE bucket > '-infinity' AND bucket < now() - interval '7 days' RETURNING bucket
"""

# Rows that another one's tidying has taken are not among the deleted, so that no count is added twice.
TIDY_FORM_DAYS: Final[LiteralString] = """
WITH several AS MATERIALIZED (SELECT day, form_id FROM form_days GROUP BY day, form_id HAVING count(*) > 1),
taken AS (
    DELETE FROM form_days AS d USING several AS s WHERE d.day = s.day AND d.form_id = s.form_id
    RETURNING d.day, d.form_id, d.leads)
INSERT INTO form_days (day, form_id, leads)
SELECT day, form_id, sum(leads) FROM taken GROUP BY day, form_id HAVING sum(leads) <> 0
"""
