// Puts COUNT jobs into the BullMQ queue, as the web peers would have.
'use strict';

const { open } = require('./queue');

async function main() {
  const queue = open();
  await queue.waitUntilReady();
  const count = Number(process.env.COUNT);
  for (let first = 0; first < count; first += 1000) {
    const jobs = [];
    for (let n = first; n < Math.min(first + 1000, count); n++) {
      const payload = {
        leadgen_id: String(800000000000000 + n), page_id: '506070809010203', form_id: '602010080901',
        created_time: 1760000000, full_name: `Lead ${n}`, email: `lead${n}@example.com`, phone: '+4915112345678',
      };
      jobs.push({ name: 'meta', data: { source: 'meta', payload }, opts: { jobId: `meta-${payload.leadgen_id}` } });
    }
    await queue.addBulk(jobs);
  }
  await queue.close();
}

main();
