// The BullMQ queue of the peers, set up as its guide "Going to production" says.
'use strict';

const { Queue } = require('bullmq');

const NAME = 'leads';

const JOB = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
  removeOnComplete: true,
  removeOnFail: false,
};

/** A producer's queue: fails at once while Redis is away instead of letting requests hang. AUTO_PIPELINING=1 makes
 *  ioredis send the commands of one turn of the event loop together; BullMQ's guide does not speak of it, but it helps. */
function open() {
  const queue = new Queue(NAME, {
    connection: {
      url: process.env.REDIS_URL,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      enableAutoPipelining: process.env.AUTO_PIPELINING === '1',
    },
    defaultJobOptions: JOB,
  });
  queue.on('error', (error) => console.error(error.message));
  return queue;
}

module.exports = { NAME, open };
