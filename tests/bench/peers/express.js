// Peer: Express 5 and BullMQ.
'use strict';

const express = require('express');
const { open } = require('./queue');
const { MAX_BODY_BYTES, handle } = require('./webhook');

const queue = open();
const app = express();
app.disable('x-powered-by');

app.get('/health/live', (request, response) => response.json({ ok: true }));
app.post('/webhooks/meta', express.raw({ type: () => true, limit: MAX_BODY_BYTES }), async (request, response) => {
  const [status, answer] = await handle(queue, request.body, request.headers['x-hub-signature-256']);
  response.status(status).json(answer);
});

queue.waitUntilReady().then(() => app.listen(Number(process.env.PORT), '127.0.0.1'));
