// wampy.js as a peer of the interoperability tests: one session for each serializer that it has, over
// WebSocket. Each calls and publishes to the others of its kind and to every target of the other
// peers; as a target of those it offers nothing (its errors and wildcards are not what they check).
//
// What is particular about this client, and what a router has to live with:
// - with MessagePack and CBOR it writes whole numbers above 2^32, as session ids are, as float64;
// - with MessagePack it reads such numbers as BigInt where they are written as integers;
// - options that are not given are `undefined`, which is an extension type in MessagePack;
// - as a callee it does not announce call_canceling, so its procedures send no progressive results.
import readline from 'node:readline';

import {Wampy} from 'wampy';
import {CborSerializer} from 'wampy/CborSerializer.js';
import {JsonSerializer} from 'wampy/JsonSerializer.js';
import {MsgpackSerializer} from 'wampy/MsgpackSerializer.js';
import WebSocket from 'ws';

const say = (line) => process.stdout.write(line + '\n');
const PATIENCE_MS = 60000;
const config = JSON.parse(process.argv[2]);
const FORMATS = {json: JsonSerializer, msgpack: MsgpackSerializer, cbor: CborSerializer};

const ARGS = [1, -5, 4294967296, 2 ** 53 - 1, 'gr\u00fcn \u20ac \u{1f600}', true, null, 1.25,
  [1, [2, []]], {a: {b: [1, null]}}];
const KWARGS = {zeta: 1, alpha: [1, 2], mid: {x: 'y'}};

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${PATIENCE_MS} ms`)),
                       PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const text = (value) => JSON.stringify(
    value, (key, inner) => (typeof inner === 'bigint' ? Number(inner) : inner));

// A queue that can be waited for.
class Inbox {
  constructor() {
    this.items = [];
    this.waiting = [];
  }

  put(item) {
    const next = this.waiting.shift();
    if (next) next(item); else this.items.push(item);
  }

  take(what) {
    if (this.items.length > 0) return Promise.resolve(this.items.shift());
    return within(new Promise((resolve) => this.waiting.push(resolve)), what);
  }
}

class Peer {
  constructor(format) {
    this.prefix = `interop.wampy.${format}`;
    this.events = new Inbox();
    this.replies = new Inbox();
    this.problems = [];
    this.client = new Wampy(config.urls.ws, {
      realm: config.realm, ws: WebSocket, serializer: new FORMATS[format](), autoReconnect: false,
      onError: (error) => this.problems.push(error), onClose: () => { this.closed = true; },
    });
  }

  async join() {
    this.welcome = await within(this.client.connect(), `${this.prefix} joins`);
    this.session = Number(this.client.getSessionId());
    const serve = (name, procedure) => this.client.register(this.prefix + name, procedure);
    await serve('.echo', ({argsList, argsDict}) => ({argsList, argsDict}));
    await serve('.caller', ({details}) => ({argsList: [details.caller ?? null]}));
    await serve('.fail', ({argsList, argsDict, error_handler}) => {
      throw {error: 'interop.error.custom', details: {}, argsList, argsDict};
    });
    await this.client.subscribe(this.prefix + '.topic', (event) => this.events.put(event));
    await this.client.subscribe(this.prefix + '.reply', (event) => this.replies.put(event));
  }

  async leave() {
    await within(this.client.disconnect(), `${this.prefix} leaves`);
  }
}

class Checker {
  constructor(peer, name) {
    this.peer = peer;
    this.name = name;
    this.count = 0;
    this.failures = 0;
  }

  fail(what, text) {
    this.failures += 1;
    say(`FAIL ${this.peer.prefix} -> ${this.name}: ${what}: ${text}`);
  }

  check(what, actual, expected) {
    this.count += 1;
    const [a, b] = [text(actual), text(expected)];
    if (a !== b) this.fail(what, `${a} instead of ${b}`);
  }

  async attempt(parts) {
    for (const part of parts) {
      try {
        await this[part]();
      } catch (error) {
        this.fail(part, error.errorUri || error.message || text(error));
      }
    }
  }

  call(name, payload, options) {
    return within(this.peer.client.call(this.name + name, payload, options), name);
  }

  async payloads() {
    const result = await this.call('.echo', {argsList: ARGS, argsDict: KWARGS});
    this.check('echo args', result.argsList, ARGS);
    this.check('echo kwargs', result.argsDict, KWARGS);
    this.check('timeout', (await this.call('.echo', ['x'], {timeout: 60000})).argsList, ['x']);
    const bulk = 'bulk '.repeat(50000);
    this.check('bulk', (await this.call('.echo', [bulk])).argsList[0] === bulk, true);
    this.check('disclosed', (await this.call('.caller', null, {disclose_me: true})).argsList.flat()[0],
               this.peer.session);
  }

  async expectError(what, uri, promise) {
    try {
      await promise;
      this.fail(what, 'no error');
    } catch (error) {
      this.check(what, error.errorUri, uri);
      return error;
    }
    return {};
  }

  async errors() {
    const error = await this.expectError('fails', 'interop.error.custom',
                                         this.call('.fail', {argsList: [1, 'two'], argsDict: {three: 3}}));
    this.check('error args', error.argsList, [1, 'two']);
    this.check('error kwargs', error.argsDict?.three, 3);
    await this.expectError('nobody', 'wamp.error.no_such_procedure', this.call('.nobody'));
  }
}

// One of Autobahn's sessions: `target` as its peer announced it.
class Outside extends Checker {
  constructor(peer, target) {
    super(peer, target.prefix);
    this.target = target;
  }

  run() { return this.attempt(['payloads', 'errors', 'progress', 'cancel', 'patterns', 'events']); }

  async progress() {
    const parts = [];
    const result = await this.call('.progress', [5], {
      progress_callback: ({argsList}) => parts.push(argsList[0]),
    });
    this.check('final result', result.argsList, ['done']);
    this.check('progressive results', parts, this.target.progressive ? [0, 1, 2, 3, 4] : []);
  }

  async cancel() {
    if (!this.target.cancels) return;
    const token = `${this.peer.prefix} cancels`;
    const ended = this.peer.client.call(this.name + '.sleep', [token])
      .then(() => 'a result', () => 'an error');
    const {reqId} = this.peer.client.getOpStatus();
    this.check('sleeps', (await this.call('.sleeps', [token])).argsList, [true]);
    this.peer.client.cancel(reqId, {mode: 'kill'});
    this.check('was cancelled', (await this.call('.was_cancelled', [token])).argsList, [true]);
    this.check('kill', await within(ended, 'the end of a killed call'), 'an error');
  }

  async patterns() {
    for (const name of ['.pattern', '.pattern.a.b', '.x.wild']) {
      this.check(name, (await this.call(name)).argsList, [this.name + name]);
    }
  }

  async events() {
    for (const topic of ['.topic', '.events.a', '.x.wildtopic']) {
      const published = await within(this.peer.client.publish(this.name + topic, {
        argsList: ARGS, argsDict: {...KWARGS, reply_to: this.peer.prefix + '.reply'},
      }, {disclose_me: true}), 'publish');
      this.check('publication id', Number(published.publicationId) > 0, true);
      const {argsList, argsDict} = await this.peer.replies.take('echo of an event');
      this.check('event args', argsList, ARGS);
      this.check('event topic', argsDict.event_topic, this.name + topic);
      this.check('event publisher', argsDict.event_publisher, this.peer.session);
    }
  }
}

// Another session of wampy's.
class Inside extends Checker {
  constructor(peer, other, third) {
    super(peer, other.prefix);
    this.other = other;
    this.third = third;
  }

  run() { return this.attempt(['payloads', 'errors', 'receivers', 'meta', 'handlers']); }

  // Session ids in options: above 2^32, practically always.
  async receivers() {
    const shared = 'interop.wampy.shared';
    const inboxes = new Map();
    for (const peer of [this.other, this.third]) {
      inboxes.set(peer, new Inbox());
      await peer.client.subscribe(shared, (event) => inboxes.get(peer).put(event.argsList[0]));
    }
    const publish = (text, options) => this.peer.client.publish(shared, [text], options);
    await publish('eligible', {eligible: this.other.session});
    await publish('list', {eligible: [this.other.session, this.third.session]});
    await publish('exclude', {exclude: this.third.session});
    await publish('all');
    const take = async (peer, count) => {
      const got = [];
      while (got.length < count) got.push(await inboxes.get(peer).take('an event'));
      return got;
    };
    this.check('other', await take(this.other, 4), ['eligible', 'list', 'exclude', 'all']);
    this.check('third', await take(this.third, 2), ['list', 'all']);
    for (const peer of [this.other, this.third]) await peer.client.unsubscribe(shared);
  }

  async meta() {
    const {argsList: [about]} = await within(
        this.peer.client.call('wamp.session.get', [this.other.session]), 'wamp.session.get');
    this.check('wamp.session.get', about.session, this.other.session);
    const {argsList: [count]} = await within(this.peer.client.call('wamp.session.count'), 'count');
    this.check('wamp.session.count', count >= 3, true);
  }

  // What comes and goes: unsubscribed and unregistered is gone.
  async handlers() {
    const {client} = this.peer;
    const topic = `${this.peer.prefix}.${this.other.prefix.split('.').pop()}`;
    const inbox = new Inbox();
    // Left as it is: this client cannot unsubscribe from a pattern.
    await client.subscribe(topic, (event) => inbox.put(event.details.topic), {match: 'prefix'});
    await this.other.client.publish(topic + '.deep.er', {argsList: [1]});
    this.check('pattern', await inbox.take('an event'), topic + '.deep.er');
    await client.register(topic, () => ({argsList: ['here']}), {invoke: 'roundrobin'});
    this.check('registered', (await this.other.client.call(topic)).argsList, ['here']);
    await client.unregister(topic);
    await this.expectError('unregistered', 'wamp.error.no_such_procedure',
                           this.other.client.call(topic));
  }
}

async function main() {
  const lines = readline.createInterface({input: process.stdin})[Symbol.asyncIterator]();
  const peers = [];
  for (const format of Object.keys(FORMATS)) {
    const peer = new Peer(format);
    await peer.join();
    peers.push(peer);
  }
  say('ready []');

  const targets = JSON.parse((await lines.next()).value);
  let count = 0;
  let failures = 0;
  const run = async (checker) => {
    await checker.run();
    count += checker.count;
    failures += checker.failures;
  };
  for (const [at, peer] of peers.entries()) {
    await run(new Inside(peer, peers[(at + 1) % 3], peers[(at + 2) % 3]));
    await run(new Inside(peer, peers[(at + 2) % 3], peers[(at + 1) % 3]));
    for (const target of targets) await run(new Outside(peer, target));
  }
  say(`done ${count}`);

  await lines.next();  // until nobody needs us any more
  for (const peer of peers) {
    await peer.leave();
    if (peer.problems.length > 0) {
      failures += 1;
      say(`FAIL ${peer.prefix}: ${peer.problems.map((problem) => problem.message || String(problem))}`);
    }
  }
  say('left');
  return failures > 0 ? 1 : 0;
}

main().then((status) => process.exit(status), (error) => {
  say(`FAIL ${error.stack || JSON.stringify(error)}`);
  process.exit(1);
});
