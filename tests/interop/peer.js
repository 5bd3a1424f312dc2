// Autobahn for JavaScript as a peer of the interoperability tests; the counterpart of peer.py.
//
// What this client cannot do, and is therefore not checked:
// - binary in JSON: its JSON serializer leaves "\0" + base64 a string (the same way out, so echoes
//   come back right);
// - serializers other than JSON on RawSocket;
// - call canceling as a callee, and with it progressive results of its procedures: it does not
//   announce call_canceling, which the specification asks for;
// - canceling with skip or killnowait: it takes the router's answer for a protocol violation.
'use strict';

delete globalThis.WebSocket;  // newer Node.js has one; this is about the client's own

const say = (line) => process.stdout.write(line + '\n');
if (!process.env.NEXUS_INTEROP_DEBUG) {  // autobahn tells the console about every close
  console.log = console.warn = console.error = () => {};
}

const xhr = require('./xhr.js');
globalThis.XMLHttpRequest = xhr.XMLHttpRequest;  // what its long-poll transport is built on
const autobahn = require('autobahn');
const readline = require('readline');
const {Advanced} = require('./advanced.js');

const PATIENCE_MS = 60000;
const config = JSON.parse(process.argv[2]);

const FORMATS = {
  json: autobahn.serializer.JSONSerializer,
  msgpack: autobahn.serializer.MsgpackSerializer,
  cbor: autobahn.serializer.CBORSerializer,
};

const ARGS = [1, -5, 2 ** 53 - 1, 'gr\u00fcn \u20ac \u{1f600}', true, null, 1.25, [1, [2, []]],
  {a: {b: [1, null]}}];
const KWARGS = {zeta: 1, alpha: [1, 2], mid: {x: 'y'}};
const KINDS = [[null, 'null'], [true, 'bool'], [7, 'int'], [-7, 'int'], [1.5, 'float'],
  ['x', 'string'], [[1], 'list'], [{a: 1}, 'dict']];

function kindOf(value) {
  if (value === null || value === undefined) return 'null';
  if (value instanceof Uint8Array) return 'binary';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'boolean': return 'bool';
    case 'number': return Number.isInteger(value) ? 'int' : 'float';
    case 'bigint': return 'int';
    case 'string': return 'string';
    default: return 'dict';
  }
}

// A deferred as autobahn wants it, with the progress that promises do not have.
function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, {resolve, reject}));
  made.notify = (part) => made.promise.onpart && made.promise.onpart(part);
  return made;
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${PATIENCE_MS} ms`)),
                       PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

class Peer {
  constructor(transport, format) {
    this.prefix = `interop.js.${transport}.${format}`;
    this.binary = format !== 'json';
    this.echoes = [];
    this.waiting = [];
    const url = config.urls[transport];
    let options;
    if (transport === 'ws') {
      options = {type: 'websocket', url, serializers: [new FORMATS[format]()]};
    } else if (transport === 'poll') {
      options = {type: 'longpoll', url};
    } else if (transport === 'unix') {
      options = {type: 'rawsocket', path: url.split('unix:')[1].replace('//', '')};
    } else {
      const [, host, port] = url.match(/\/\/(.*):(\d+)\/?$/);
      options = {type: 'rawsocket', host, port: Number(port)};
    }
    this.connection = new autobahn.Connection({
      transports: [options], realm: config.realm, max_retries: 0, use_deferred: deferred,
      on_user_error: () => {},  // errors that procedures raise on purpose
    });
  }

  join() {
    return within(new Promise((resolve, reject) => {
      this.connection.onopen = (session, details) => {
        this.session = session;
        this.details = details;
        resolve();
      };
      this.connection.onclose = (reason, details) => {
        this.reason = details && details.reason;
        this.how = reason;
        reject(new Error(`${reason} ${JSON.stringify(details)}`));
        if (this.onleft) this.onleft();
        return true;
      };
      this.connection.open();
    }), `${this.prefix} joins`);
  }

  async serve() {
    const session = this.session;
    const serve = (name, endpoint, options) =>
      session.register(this.prefix + name, endpoint, options);
    await serve('.echo', (args, kwargs) => new autobahn.Result(args, kwargs));
    await serve('.kind', (args) => args.map(kindOf));
    await serve('.fail', (args, kwargs) => {
      throw new autobahn.Error('interop.error.custom', args, kwargs);
    });
    await serve('.crash', () => { throw 'not an application error'; });
    await serve('.progress', async ([count], kwargs, details) => {
      for (let i = 0; i < count; ++i) {
        if (details.progress) details.progress([i]);
        await null;
      }
      return 'done';
    });
    await serve('.caller', (args, kwargs, details) =>
      [details.caller ?? null, details.caller_authrole ?? null]);
    const calledAs = (args, kwargs, details) => details.procedure;
    await serve('.pattern', calledAs, {match: 'prefix'});
    await serve('..wild', calledAs, {match: 'wildcard'});
    const onEvent = (args, kwargs, details) => {
      const {reply_to, ...rest} = kwargs;
      rest.event_publisher = details.publisher ?? null;
      rest.event_topic = details.topic ?? null;
      session.publish(reply_to, args, rest);
    };
    await session.subscribe(this.prefix + '.topic', onEvent);
    await session.subscribe(this.prefix + '.events.', onEvent, {match: 'prefix'});
    await session.subscribe(this.prefix + '..wildtopic', onEvent, {match: 'wildcard'});
    await session.subscribe(this.prefix + '.reply', (args, kwargs) => {
      const waiting = this.waiting.shift();
      if (waiting) waiting({args, kwargs}); else this.echoes.push({args, kwargs});
    });
  }

  nextEcho() {
    if (this.echoes.length > 0) return Promise.resolve(this.echoes.shift());
    return within(new Promise((resolve) => this.waiting.push(resolve)), 'echo of an event');
  }

  leave() {
    return within(new Promise((resolve) => {
      this.onleft = resolve;
      this.connection.close();
    }), `${this.prefix} leaves`);
  }
}

class Checker {
  constructor(peer, target) {
    this.peer = peer;
    this.target = target;
    this.count = 0;
    this.failures = 0;
  }

  fail(name, text) {
    this.failures += 1;
    say(`FAIL ${this.peer.prefix} -> ${this.target.prefix}: ${name}: ${text}`);
  }

  check(name, actual, expected) {
    this.count += 1;
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) this.fail(name, `${a} instead of ${b}`);
  }

  call(name, args, kwargs, options) {
    return within(this.peer.session.call(this.target.prefix + name, args, kwargs, options), name);
  }

  async run() {
    for (const name of ['payloads', 'binary', 'errors', 'progress', 'cancel', 'patterns',
      'disclosure', 'events']) {
      try {
        await this[name]();
      } catch (error) {
        this.fail(name, error.error || error.message || String(error));
      }
    }
  }

  async payloads() {
    const result = await this.call('.echo', ARGS, KWARGS);
    this.check('echo args', result.args, ARGS);
    this.check('echo kwargs', result.kwargs, KWARGS);
    this.check('echo one', await this.call('.echo', ['one']), 'one');
    this.check('echo nothing', await this.call('.echo'), null);
    this.check('kinds', await this.call('.kind', KINDS.map(([value]) => value)),
               KINDS.map(([, kind]) => kind));
    const bulk = 'bulk '.repeat(50000);
    this.check('bulk', await this.call('.echo', [bulk]) === bulk, true);
  }

  async binary() {
    if (!this.peer.binary) {
      const spelled = '\u0000AAH/';  // 00 01 ff, as JSON has it
      if (this.target.binary) {
        this.check('kind of binary', await this.call('.kind', [spelled]), ['binary']);
      }
      this.check('echo binary', await this.call('.echo', [spelled]), spelled);
      return;
    }
    if (this.target.binary) {
      this.check('kind of binary', await this.call('.kind', [Buffer.from([0, 1])]), ['binary']);
    }
    const data = Buffer.from(Array.from({length: 256}, (_, i) => i));
    const echoed = await this.call('.echo', [data]);
    this.check('echo binary', kindOf(echoed) === 'binary' && data.equals(echoed), true);
  }

  async expectError(name, uri, ...call) {
    try {
      await this.call(name, ...call);
      this.fail(name, 'no error');
    } catch (error) {
      this.check(name, error.error, uri);
      return error;
    }
  }

  async errors() {
    const error = await this.expectError('.fail', 'interop.error.custom', [1, 'two'], {three: 3});
    if (error) {
      this.check('error args', error.args, [1, 'two']);
      this.check('error kwargs', error.kwargs.three, 3);
    }
    await this.expectError('.nobody', 'wamp.error.no_such_procedure');
    await this.expectError('.crash', 'wamp.error.runtime_error');
  }

  async progress() {
    const parts = [];
    const promise = this.peer.session.call(this.target.prefix + '.progress', [5], {},
                                           {receive_progress: true});
    promise.onpart = (part) => parts.push(part);
    this.check('final result', await within(promise, 'progress'), 'done');
    this.check('progressive results', parts, this.target.progressive ? [0, 1, 2, 3, 4] : []);
    this.check('no progress', await this.call('.progress', [5]), 'done');
  }

  async cancel() {
    if (!this.target.cancels) return;
    const token = `${this.peer.prefix} cancels`;
    const promise = this.peer.session.call(this.target.prefix + '.sleep', [token]);
    const ended = promise.then(() => 'a result', () => 'an error');
    this.check('sleeps', await this.call('.sleeps', [token]), true);
    promise.cancel({mode: 'kill'});
    this.check('was cancelled', await this.call('.was_cancelled', [token]), true);
    this.check('kill', await within(ended, 'the end of a killed call'), 'an error');
  }

  async patterns() {
    for (const name of ['.pattern', '.pattern.a.b', '.patterned', '.x.wild']) {
      this.check(name, await this.call(name), this.target.prefix + name);
    }
  }

  async disclosure() {
    this.check('disclosed', await this.call('.caller', [], {}, {disclose_me: true}),
               [this.peer.session.id, 'anonymous']);
    this.check('undisclosed', await this.call('.caller'), [null, null]);
  }

  async events() {
    if (this.peer.prefix === this.target.prefix) return;
    const reply_to = this.peer.prefix + '.reply';
    for (const topic of ['.topic', '.events.a', '.events.a.b', '.x.wildtopic']) {
      for (const disclose_me of [false, true]) {
        const published = await within(
            this.peer.session.publish(this.target.prefix + topic, ARGS, {...KWARGS, reply_to},
                                      {acknowledge: true, disclose_me}), 'publish');
        this.check('publication id', typeof published.id, 'number');
        const {args, kwargs} = await this.peer.nextEcho();
        this.check('event args', args, ARGS);
        for (const key of Object.keys(KWARGS)) {
          this.check('event kwargs', kwargs[key], KWARGS[key]);
        }
        this.check('event topic', kwargs.event_topic, this.target.prefix + topic);
        this.check('event publisher', kwargs.event_publisher || null,
                   disclose_me ? this.peer.session.id : null);
      }
    }
  }
}

async function main() {
  const lines = readline.createInterface({input: process.stdin})[Symbol.asyncIterator]();
  const peers = [];
  for (const [transport, format] of [['ws', 'json'], ['ws', 'msgpack'], ['ws', 'cbor'],
    ['tcp', 'json'], ['unix', 'json'], ['poll', 'json']]) {
    const peer = new Peer(transport, format);
    await peer.join();
    await peer.serve();
    peers.push(peer);
  }
  say('ready ' + JSON.stringify(peers.map((peer) => (
    {name: 'js', prefix: peer.prefix, session: peer.session.id, binary: peer.binary, progressive: false, cancels: false}))));

  const targets = JSON.parse((await lines.next()).value);
  let count = 0;
  let failures = 0;
  for (const peer of peers) {
    for (const target of targets) {
      const checker = new Checker(peer, target);
      await checker.run();
      count += checker.count;
      failures += checker.failures;
    }
  }
  // One session of each client to meet, another one each time.
  const connect = async () => {
    const peer = new Peer('tcp', 'json');
    await peer.join();
    return peer;
  };
  for (const [number, peer] of peers.entries()) {
    for (const name of ['py', 'js']) {
      const met = targets.filter((target) => target.name === name);
      if (met.length === 0) continue;
      const checker = new Advanced(peer, peers[(number + 1) % peers.length],
                                   met[(number + 1) % met.length], {connect, within, say});
      await checker.run();
      count += checker.count;
      failures += checker.failures;
    }
  }
  say(`done ${count}`);

  await lines.next();  // until nobody needs us any more
  for (const [number, peer] of peers.entries()) {
    await peer.leave();
    // Its WebSocket closes without a code, and takes any answer but 1000 for a connection that is lost.
    if (number < 3 && peer.how !== 'closed') {
      failures += 1;
      say(`FAIL ${peer.prefix}: left, and the connection is "${peer.how}"`);
    }
  }
  say('left');
  return failures > 0 ? 1 : 0;
}

main().then((status) => process.exit(status), (error) => {
  say(`FAIL ${error.stack || error}`);
  process.exit(1);
});
