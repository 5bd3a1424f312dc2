// What of WAMP's advanced profile Autobahn for JavaScript can do, against nexusd; the counterpart of
// advanced.py. It has no payload transparency, and cannot be interrupted.
'use strict';

// Values that arrive one by one, for whoever waits for them.
class Queue {
  constructor() {
    this.values = [];
    this.waiting = [];
  }
  put(value) {
    const waiting = this.waiting.shift();
    if (waiting) waiting(value); else this.values.push(value);
  }
  get() {
    if (this.values.length > 0) return Promise.resolve(this.values.shift());
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

class Advanced {
  // `connect` makes a peer that is not going to stay; `within` limits how long a promise may take.
  constructor(peer, partner, target, {connect, within, say}) {
    Object.assign(this, {peer, partner, target, connect, within, say});
    this.session = peer.session;
    this.base = `${peer.prefix}.with.${target.name}`;
    this.count = 0;
    this.failures = 0;
  }

  fail(name, text) {
    this.failures += 1;
    this.say(`FAIL ${this.base}: ${name}: ${text}`);
  }

  check(name, actual, expected) {
    this.count += 1;
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) this.fail(name, `${a} instead of ${b}`);
  }

  async run() {
    for (const name of ['receivers', 'ownEvents', 'shared', 'forced', 'concurrency', 'timeout',
      'meta', 'metaEvents', 'testament', 'kill', 'retained', 'acknowledged', 'disclosure',
      'reflection']) {
      try {
        await this.within(this[name](), name);
      } catch (error) {
        this.fail(name, error.error || error.message || String(error));
      }
    }
  }

  publish(topic, text, options = {}) {
    return this.session.publish(topic, [text], {}, {acknowledge: true, ...options});
  }

  async listen(peer, topic, options) {
    const heard = new Queue();
    await peer.session.subscribe(topic, ([text], kwargs, details) =>
      heard.put(options ? [text, details.retained, details.publisher ?? null] : text), options);
    return heard;
  }

  async expectError(name, promise, uri) {
    try {
      await promise;
      this.fail(name, 'no error');
    } catch (error) {
      this.check(name, error.error, uri);
    }
  }

  async receivers() {
    const topic = this.base + '.receivers';
    const other = await this.connect();
    const heard = [await this.listen(this.partner, topic), await this.listen(other, topic)];
    const {id} = this.partner.session;
    const {authid} = this.partner.details;
    await this.publish(topic, 1, {eligible: [id]});
    await this.publish(topic, 2, {exclude: [id]});
    await this.publish(topic, 3, {eligible_authid: [authid]});
    await this.publish(topic, 4, {exclude_authid: [authid]});
    await this.publish(topic, 5, {eligible_authrole: ['anonymous']});
    await this.publish(topic, 6, {exclude_authrole: ['anonymous']});
    await this.publish(topic, 7);
    for (const expected of [1, 3, 5, 7]) this.check('receiver', await heard[0].get(), expected);
    for (const expected of [2, 4, 5, 7]) this.check('other', await heard[1].get(), expected);
    await other.leave();
  }

  async ownEvents() {
    const heard = await this.listen(this.peer, this.base + '.own');
    await this.publish(this.base + '.own', 'excluded');
    await this.publish(this.base + '.own', 'included', {exclude_me: false});
    this.check('own event', await heard.get(), 'included');
  }

  async shared() {
    for (const [invoke, expected] of [['roundrobin', [1, 2, 1, 2]], ['first', [1, 1, 1, 1]],
      ['last', [2, 2, 2, 2]], ['random', null]]) {
      const name = `${this.base}.shared.${invoke}`;
      const made = [await this.session.register(name, () => 1, {invoke}),
        await this.partner.session.register(name, () => 2, {invoke})];
      const answers = [];
      for (let i = 0; i < 4; ++i) answers.push(await this.session.call(name));
      if (expected) {
        this.check(invoke, answers, expected);
      } else {
        this.check(invoke, answers.every((answer) => answer === 1 || answer === 2), true);
      }
      await this.expectError(invoke + ' and another',
                             this.partner.session.register(name, () => 3, {invoke: 'single'}),
                             'wamp.error.procedure_already_exists');
      await this.session.unregister(made[0]);
      await this.partner.session.unregister(made[1]);
    }
  }

  async forced() {
    const name = this.base + '.forced';
    const old = await this.partner.session.register(name, () => 'old');
    let reason = null;
    old.on_unregister.then((text) => { reason = text; });
    await this.expectError('taken', this.session.register(name, () => 'new'),
                           'wamp.error.procedure_already_exists');
    await this.session.register(name, () => 'new', {force_reregister: true});
    this.check('forced', await this.partner.session.call(name), 'new');
    this.check('told', [old.active, reason], [false, 'wamp.error.unregistered']);
  }

  async concurrency() {
    const name = this.base + '.one_by_one';
    let running = 0;
    let most = 0;
    await this.session.register(name, async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return null;  // MessagePack cannot say undefined
    }, {concurrency: 1});
    await Promise.all(Array.from({length: 5}, () => this.partner.session.call(name)));
    this.check('at once', most, 1);
  }

  async timeout() {
    const name = this.base + '.forever';
    await this.partner.session.register(name, () => new Promise(() => {}));
    await this.expectError('timeout', this.session.call(name, [], {}, {timeout: 50}),
                           'wamp.error.timeout');
  }

  async meta() {
    const call = (name, ...args) => this.session.call('wamp.' + name, args);
    const {session, prefix} = this.target;
    this.check('count', await call('session.count') >= 2, true);
    this.check('list', (await call('session.list')).includes(session), true);
    this.check('get', (await call('session.get', session)).authrole, 'anonymous');
    await this.expectError('get nobody', call('session.get', 1), 'wamp.error.no_such_session');
    const registration = await call('registration.lookup', prefix + '.echo');
    this.check('match', await call('registration.match', prefix + '.echo'), registration);
    this.check('uri', (await call('registration.get', registration)).uri, prefix + '.echo');
    this.check('callees', await call('registration.list_callees', registration), [session]);
    const subscription = await call('subscription.lookup', prefix + '.topic');
    this.check('subscribers', await call('subscription.count_subscribers', subscription), 1);
    this.check('topics', (await call('subscription.match', prefix + '.topic'))
      .includes(subscription), true);
  }

  async metaEvents() {
    const joined = new Queue();
    const left = new Queue();
    const made = [
      await this.session.subscribe('wamp.session.on_join', ([info]) => joined.put(info.session)),
      await this.session.subscribe('wamp.session.on_leave', ([session]) => left.put(session))];
    const brief = await this.connect();
    const {id} = brief.session;
    await brief.leave();
    while (await joined.get() !== id);
    while (await left.get() !== id);
    this.count += 1;
    for (const subscription of made) await this.session.unsubscribe(subscription);
  }

  async testament() {
    const topic = this.base + '.testament';
    const heard = await this.listen(this.peer, topic);
    const brief = await this.connect();
    const call = (name, args) => brief.session.call('wamp.session.' + name, args);
    await call('add_testament', [topic, ['flushed'], {}]);
    this.check('flush', await call('flush_testaments', []), 1);
    await call('add_testament', [topic, ['gone'], {}]);
    await brief.leave();
    this.check('testament', await heard.get(), 'gone');
  }

  async kill() {
    const brief = await this.connect();
    const gone = new Promise((resolve) => { brief.onleft = resolve; });
    await this.session.call('wamp.session.kill', [brief.session.id],
                            {reason: 'com.example.enough', message: 'go home'});
    await gone;
    this.check('reason', brief.reason, 'com.example.enough');
  }

  async retained() {
    const topic = this.base + '.retained';
    await this.publish(topic, 'kept', {retain: true});
    const heard = await this.listen(this.partner, topic, {get_retained: true});
    this.check('retained', await heard.get(), ['kept', true, null]);
    await this.publish(topic, 'live');
    this.check('live', await heard.get(), ['live', false, null]);
  }

  // Autobahn for Python answers this with EVENT_RECEIVED, and goes on.
  async acknowledged() {
    const reply_to = this.base + '.acknowledged';
    const heard = await this.listen(this.peer, reply_to);
    for (let i = 0; i < 2; ++i) {
      await this.session.publish(this.target.prefix + '.topic', [i], {reply_to},
                                 {acknowledge: true, x_acknowledged_delivery: true});
      this.check('acknowledged', await heard.get(), i);
    }
  }

  async disclosure() {
    const heard = await this.listen(this.partner, this.base + '.disclosed', {match: 'exact'});
    await this.publish(this.base + '.disclosed', 'known', {disclose_me: true});
    this.check('publisher', (await heard.get())[2], this.session.id);
    await this.partner.session.register(
        this.base + '.who', (args, kwargs, details) => details.caller ?? null);
    this.check('caller', await this.session.call(this.base + '.who', [], {}, {disclose_me: true}),
               this.session.id);
    this.check('unknown', await this.session.call(this.base + '.who'), null);
  }

  async reflection() {
    const name = this.base + '.described';
    const schema = {type: 'object', properties: {args: {maxItems: 2}}};
    this.check('define', await this.session.call('wamp.reflect.define', [name, schema]), true);
    this.check('describe', await this.partner.session.call('wamp.reflect.describe', [name]), schema);
    this.check('listed', (await this.partner.session.call('wamp.reflection.procedure.list'))
      .includes(name), true);
  }
}

module.exports = {Advanced};
