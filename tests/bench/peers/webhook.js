// What both web peers do with a delivery: check the signature over the raw bytes, one job a change, deduplicated by id.
'use strict';

const { createHmac, timingSafeEqual } = require('node:crypto');

const SECRET = process.env.META_APP_SECRET;
const MAX_BODY_BYTES = 3_500_000;

function verified(raw, header) {
  if (typeof header !== 'string') return false;
  const expected = Buffer.from('sha256=' + createHmac('sha256', SECRET).update(raw).digest('hex'));
  const given = Buffer.from(header);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function jobs(delivery) {
  const found = [];
  for (const entry of delivery.entry ?? []) {
    for (const change of entry.changes ?? []) {
      if (change.field !== 'leadgen' || !change.value?.leadgen_id) continue;
      found.push({
        name: 'meta',
        data: { source: 'meta', payload: change.value, receivedAt: Date.now() },
        opts: { jobId: `meta-${change.value.leadgen_id}` },
      });
    }
  }
  return found;
}

/** [status, answer] once the queue has acknowledged every job. */
async function handle(queue, raw, header) {
  if (!Buffer.isBuffer(raw) || !verified(raw, header)) return [401, { error: 'bad signature' }];
  let found;
  try {
    found = jobs(JSON.parse(raw));
  } catch {
    return [400, { error: 'bad body' }];
  }
  try {
    if (found.length === 1) await queue.add(found[0].name, found[0].data, found[0].opts);
    else if (found.length) await queue.addBulk(found);
  } catch (error) {
    return [503, { error: 'queue unavailable' }];
  }
  return [200, { accepted: found.length }];
}

module.exports = { MAX_BODY_BYTES, handle };
