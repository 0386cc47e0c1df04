// Peer: Fastify 5 and BullMQ.
'use strict';

const { open } = require('./queue');
const { MAX_BODY_BYTES, handle } = require('./webhook');

const queue = open();
const app = require('fastify')({ bodyLimit: MAX_BODY_BYTES });

app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));

const answer = { type: 'object', properties: { accepted: { type: 'integer' }, error: { type: 'string' } } };

app.get('/health/live', async () => ({ ok: true }));
app.post('/webhooks/meta', { schema: { response: { '2xx': answer, '4xx': answer, '5xx': answer } } }, async (request, reply) => {
  const [status, body] = await handle(queue, request.body, request.headers['x-hub-signature-256']);
  return reply.code(status).send(body);
});

queue.waitUntilReady().then(() => app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' }));
