// SPDX-License-Identifier: Apache-2.0
// @grpc/grpc-js as a peer of the interoperability tests, with the official flags; in build/peers/node are its packages.
//
//     peer.js PROTOS server --port=N [--use_tls=true --tls_cert_file=F --tls_key_file=F]
//     peer.js PROTOS client --server_host=H --server_port=N --test_case=CASE
//                           [--use_tls=true --ca_file=F --server_host_override=NAME]
//
// PROTOS is the folder above grpc/testing/test.proto. Exit 0: the case passed.
'use strict';
const fs = require('fs');
const path = require('path');
const { parseArgs } = require('util');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const INITIAL = 'x-grpc-test-echo-initial';
const TRAILING = 'x-grpc-test-echo-trailing-bin';
const LIMIT_MS = 20000;

function flags(defaults) {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' }]));
  return { ...defaults, ...parseArgs({ args: process.argv.slice(4), options }).values };
}

function contract(folder) {
  const definition = loader.loadSync(path.join(folder, 'grpc/testing/test.proto'), { includeDirs: [folder], keepCase: true });
  return grpc.loadPackageDefinition(definition).grpc.testing;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const payload = (size) => ({ body: Buffer.alloc(size) });

// ---- The server

function echo(call) {
  const initial = call.metadata.get(INITIAL);
  const trailing = call.metadata.get(TRAILING);
  const header = new grpc.Metadata();
  if (initial.length) {
    header.set(INITIAL, initial[0]);
    call.sendMetadata(header);
  }
  const trailer = new grpc.Metadata();
  if (trailing.length) trailer.set(TRAILING, trailing[0]);
  return trailer;
}

function wantedError(request) {
  const wanted = request.response_status;
  return wanted && wanted.code ? { code: wanted.code, details: wanted.message } : null;
}

async function writeChunks(call, request) {
  for (const parameters of request.response_parameters || []) {
    if (parameters.interval_us) await sleep(parameters.interval_us / 1000);
    if (!call.write({ payload: payload(parameters.size || 0) })) await new Promise((resolve) => call.once('drain', resolve));
  }
}

const service = {
  EmptyCall(call, reply) {
    const trailer = echo(call);
    reply(null, {}, trailer);
  },

  UnaryCall(call, reply) {
    const trailer = echo(call);
    const error = wantedError(call.request);
    if (error) return reply(error);
    const answer = { payload: payload(call.request.response_size || 0) };
    if (call.request.fill_server_id) answer.server_id = 'grpc-js';
    return reply(null, answer, trailer);
  },

  CacheableUnaryCall(call, reply) {
    service.UnaryCall(call, reply);
  },

  StreamingInputCall(call, reply) {
    let size = 0;
    call.on('data', (request) => {
      size += request.payload ? request.payload.body.length : 0;
    });
    call.on('end', () => reply(null, { aggregated_payload_size: size }));
    call.on('error', () => {});
  },

  async StreamingOutputCall(call) {
    const trailer = echo(call);
    const error = wantedError(call.request);
    if (error) return call.emit('error', error);
    await writeChunks(call, call.request);
    return call.end(trailer);
  },

  // No `for await` over the call: at its end it would destroy what is still to be written.
  FullDuplexCall(call) {
    const trailer = echo(call);
    let last = Promise.resolve();
    call.on('error', () => {});
    call.on('data', (request) => {
      last = last.then(async () => {
        const error = wantedError(request);
        if (error) call.emit('error', error);
        else if (!call.cancelled) await writeChunks(call, request);
      });
    });
    call.on('end', () => last.then(() => call.end(trailer)));
  },
};

function serve(testing) {
  const f = flags({ port: '', use_tls: 'false', tls_cert_file: '', tls_key_file: '' });
  const server = new grpc.Server();
  // A method that is not there answers UNIMPLEMENTED by itself.
  const definition = Object.fromEntries(Object.entries(testing.TestService.service).filter(([name]) => service[name]));
  server.addService(definition, service);
  const credentials = f.use_tls === 'true'
    ? grpc.ServerCredentials.createSsl(null,
        [{ private_key: fs.readFileSync(f.tls_key_file), cert_chain: fs.readFileSync(f.tls_cert_file) }])
    : grpc.ServerCredentials.createInsecure();
  server.bindAsync(`127.0.0.1:${f.port}`, credentials, (error, port) => {
    if (error) throw error;
    console.log(`listening on 127.0.0.1:${port}`);
  });
}

// ---- The client

function expect(condition, text) {
  if (!condition) throw new Error(text);
}

const within = (ms = LIMIT_MS) => ({ deadline: Date.now() + ms });

function unary(client, method, request, metadata = new grpc.Metadata(), options = within()) {
  return new Promise((resolve) => {
    const end = {};
    const call = client[method](request, metadata, options, (error, reply) => Object.assign(end, { error, reply }));
    call.on('metadata', (m) => { end.initial = m; });
    call.on('status', (status) => setImmediate(() => resolve({ ...end, status })));
  });
}

// A stream of calls as a queue of responses and one status.
class Duplex {
  constructor(call) {
    this.call = call;
    this.responses = [];
    this.waiting = null;
    this.status = new Promise((resolve) => { call.on('status', (status) => { this.wake(null); resolve(status); }); });
    call.on('metadata', (m) => { this.initial = m; });
    call.on('data', (response) => this.wake(response));
    call.on('error', () => {});
  }

  wake(response) {
    if (response) this.responses.push(response);
    else this.ended = true;
    if (this.waiting) this.waiting();
  }

  async next() {
    while (!this.responses.length && !this.ended) {
      await new Promise((resolve) => { this.waiting = resolve; });
    }
    return this.responses.shift();
  }
}

const turn = (requestSize, responseSize) =>
  ({ payload: payload(requestSize), response_parameters: [{ size: responseSize }] });
const large = () => ({ response_size: 314159, payload: payload(271828) });
const TURNS = [[27182, 31415], [8, 9], [1828, 2653], [45904, 58979]];

function expectStatus(status, code, details) {
  expect(status.code === code, `status ${status.code} "${status.details}", expected ${code}`);
  expect(details === undefined || status.details === details, `details ${JSON.stringify(status.details)}`);
}

function expectEcho(initial, trailing) {
  expect(initial && initial.get(INITIAL)[0] === 'test_initial_metadata_value', 'the header');
  expect(Buffer.from([0xab, 0xab, 0xab]).equals(trailing.get(TRAILING)[0] || Buffer.alloc(0)), 'the trailer');
}

const cases = {
  async empty_unary(client) {
    expectStatus((await unary(client, 'EmptyCall', {})).status, grpc.status.OK);
  },

  async large_unary(client) {
    const { reply, status } = await unary(client, 'UnaryCall', large());
    expectStatus(status, grpc.status.OK);
    expect(Buffer.alloc(314159).equals(reply.payload.body), 'the payload is not 314159 zeros');
  },

  async cacheable_unary(client) {
    expectStatus((await unary(client, 'CacheableUnaryCall', large())).status, grpc.status.OK);
  },

  async pick_first_unary(client) {
    for (let i = 0; i < 100; i++) {
      const { reply, status } = await unary(client, 'UnaryCall', { fill_server_id: true });
      expectStatus(status, grpc.status.OK);
      expect(reply.server_id, 'no server_id');
    }
  },

  async client_streaming(client) {
    const end = await new Promise((resolve) => {
      const call = client.StreamingInputCall(within(), (error, reply) => resolve({ error, reply }));
      for (const [size] of TURNS) call.write({ payload: payload(size) });
      call.end();
    });
    expect(!end.error, String(end.error));
    expect(end.reply.aggregated_payload_size === 74922, `aggregated ${end.reply.aggregated_payload_size}`);
  },

  async server_streaming(client) {
    const request = { response_parameters: TURNS.map(([, size]) => ({ size })) };
    const stream = new Duplex(client.StreamingOutputCall(request, within()));
    for (const [, size] of TURNS) {
      const response = await stream.next();
      expect(response && response.payload.body.length === size, `no response of ${size} bytes`);
    }
    expect(await stream.next() === undefined, 'a response too many');
    expectStatus(await stream.status, grpc.status.OK);
  },

  async ping_pong(client) {
    const stream = new Duplex(client.FullDuplexCall(within()));
    for (const [requestSize, responseSize] of TURNS) {
      stream.call.write(turn(requestSize, responseSize));
      const response = await stream.next();
      expect(response && response.payload.body.length === responseSize, `no response of ${responseSize} bytes`);
    }
    stream.call.end();
    expect(await stream.next() === undefined, 'a response too many');
    expectStatus(await stream.status, grpc.status.OK);
  },

  async empty_stream(client) {
    const stream = new Duplex(client.FullDuplexCall(within()));
    stream.call.end();
    expect(await stream.next() === undefined, 'a response that nobody asked for');
    expectStatus(await stream.status, grpc.status.OK);
  },

  async cancel_after_begin(client) {
    const error = await new Promise((resolve) => {
      client.StreamingInputCall(within(), (e) => resolve(e)).cancel();
    });
    expect(error && error.code === grpc.status.CANCELLED, String(error));
  },

  async cancel_after_first_response(client) {
    const stream = new Duplex(client.FullDuplexCall(within()));
    stream.call.write(turn(27182, 31415));
    const response = await stream.next();
    expect(response && response.payload.body.length === 31415, 'the first response');
    stream.call.cancel();
    expectStatus(await stream.status, grpc.status.CANCELLED);
  },

  async timeout_on_sleeping_server(client) {
    const stream = new Duplex(client.FullDuplexCall(within(1)));
    stream.call.write({ payload: payload(27182) });
    expectStatus(await stream.status, grpc.status.DEADLINE_EXCEEDED);
  },

  async custom_metadata(client) {
    const metadata = new grpc.Metadata();
    metadata.set(INITIAL, 'test_initial_metadata_value');
    metadata.set(TRAILING, Buffer.from([0xab, 0xab, 0xab]));
    const { initial, status } = await unary(client, 'UnaryCall', large(), metadata);
    expectStatus(status, grpc.status.OK);
    expectEcho(initial, status.metadata);
    const stream = new Duplex(client.FullDuplexCall(metadata, within()));
    stream.call.write(turn(271828, 314159));
    expect((await stream.next()).payload.body.length === 314159, 'no response');
    stream.call.end();
    const end = await stream.status;
    expectStatus(end, grpc.status.OK);
    expectEcho(stream.initial, end.metadata);
  },

  async status_code_and_message(client) {
    const wanted = { code: 2, message: 'test status message' };
    expectStatus((await unary(client, 'UnaryCall', { response_status: wanted })).status, 2, wanted.message);
    const stream = new Duplex(client.FullDuplexCall(within()));
    stream.call.write({ response_status: wanted });
    stream.call.end();
    expectStatus(await stream.status, 2, wanted.message);
  },

  async special_status_message(client) {
    const message = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n';
    expectStatus((await unary(client, 'UnaryCall', { response_status: { code: 2, message } })).status, 2, message);
  },

  async unimplemented_method(client) {
    expectStatus((await unary(client, 'UnimplementedCall', {})).status, grpc.status.UNIMPLEMENTED);
  },

  async unimplemented_service(client, open) {
    const other = open('UnimplementedService');
    expectStatus((await unary(other, 'UnimplementedCall', {})).status, grpc.status.UNIMPLEMENTED);
    other.close();
  },

  async rpc_soak(client) {
    for (let i = 0; i < 10; i++) await cases.large_unary(client);
  },

  async concurrent_large_unary(client) {
    const one = async () => {
      const { reply, status } = await unary(client, 'UnaryCall', large(), new grpc.Metadata(), within(3 * LIMIT_MS));
      expectStatus(status, grpc.status.OK);
      expect(reply.payload.body.length === 314159, 'the payload has another size');
    };
    await Promise.all(Array.from({ length: 1000 }, one));
  },

  async channel_soak(client, open) {
    for (let i = 0; i < 10; i++) {
      const fresh = open('TestService');
      await cases.large_unary(fresh);
      fresh.close();
    }
  },
};

async function play(testing) {
  const f = flags({ server_host: '127.0.0.1', server_port: '', test_case: '', use_tls: 'false', ca_file: '',
    server_host_override: '' });
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const tls = f.use_tls === 'true';
  if (tls && f.server_host_override) {
    options['grpc.ssl_target_name_override'] = f.server_host_override;
    options['grpc.default_authority'] = f.server_host_override;
  }
  const credentials = () => (tls ? grpc.credentials.createSsl(fs.readFileSync(f.ca_file)) : grpc.credentials.createInsecure());
  const open = (name) => new testing[name](`${f.server_host}:${f.server_port}`, credentials(), options);
  if (!cases[f.test_case]) throw new Error('no such case');
  const client = open('TestService');
  await cases[f.test_case](client, open);
  client.close();
}

const [, , folder, role] = process.argv;
if (role === 'server') {
  serve(contract(folder));
} else if (role === 'client') {
  play(contract(folder)).then(() => process.exit(0), (error) => {
    console.error(error.message);
    process.exit(1);
  });
} else {
  console.error('peer.js PROTOS server|client --flags');
  process.exit(2);
}
