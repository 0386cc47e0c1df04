// Peer: a BullMQ worker, 50 jobs at once, that writes one row a job through a pg pool (after one Graph call if GRAPH_URL is set).
'use strict';

const { Worker } = require('bullmq');
const { Pool } = require('pg');
const { NAME } = require('./queue');

const CONCURRENCY = 50;
const GRAPH_URL = process.env.GRAPH_URL;

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: CONCURRENCY });
pool.on('error', (error) => console.error(error.message));

const INSERT = {
  name: 'insert-lead',
  text: `INSERT INTO peer_leads (source, external_id, full_name, email, phone, raw) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (source, external_id) DO NOTHING`,
};

/** Name, e-mail and phone: from the job, or asked of the Graph API, one call a lead. */
async function lead(payload) {
  if (!GRAPH_URL) return payload;
  const response = await fetch(`${GRAPH_URL}/v25.0/${payload.leadgen_id}?fields=field_data&access_token=bench-token`);
  if (!response.ok) throw new Error(`Graph answered ${response.status}`);
  const answer = await response.json();
  const fields = Object.fromEntries(answer.field_data.map((field) => [field.name, field.values[0]]));
  return { ...payload, ...fields, phone: fields.phone_number };
}

async function process_(job) {
  const found = await lead(job.data.payload);
  const raw = JSON.stringify(job.data.payload);
  await pool.query({ ...INSERT, values: [job.data.source, found.leadgen_id, found.full_name, found.email, found.phone, raw] });
}

async function main() {
  await pool.query(`CREATE TABLE IF NOT EXISTS peer_leads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL, external_id text NOT NULL, full_name text, email text,
    phone text, raw jsonb NOT NULL, stored_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE (source, external_id))`);
  const worker = new Worker(NAME, process_, {
    connection: { url: process.env.REDIS_URL, maxRetriesPerRequest: null },
    concurrency: CONCURRENCY,
  });
  worker.on('error', (error) => console.error(error.message));
  process.once('SIGTERM', async () => {
    await worker.close();
    await pool.end();
  });
}

main();
