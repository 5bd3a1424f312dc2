// Autobahn for JavaScript proves who it is: the counterpart of auth.py, for the methods that it
// knows: ticket, wampcra, cryptosign; and, over TLS, with a certificate.
'use strict';

delete globalThis.WebSocket;  // newer Node.js has one; this is about the client's own

const say = (line) => process.stdout.write(line + '\n');
if (!process.env.NEXUS_INTEROP_DEBUG) {  // autobahn tells the console about every close
  console.log = console.warn = console.error = () => {};
}

const fs = require('fs');
const https = require('https');
const path = require('path');
const autobahn = require('autobahn');
const nacl = require('tweetnacl');
const {login} = require('../../examples/security/login.js');

const config = JSON.parse(process.argv[2]);
const cryptosign = autobahn.auth_cryptosign;

const read = (name) => fs.readFileSync(path.join(config.folder, name));

// One way to join: what to offer, and how to answer the challenge.
function ways(right, secure) {
  const secret = right ? config.password : 'wrong';
  const seed = Buffer.from(right ? config.seed : config.otherSeed, 'hex');
  const key = nacl.sign.keyPair.fromSeed(new Uint8Array(seed));
  const cra = (session, method, extra) => autobahn.auth_cra.sign(
    extra.salt ? autobahn.auth_cra.derive_key(secret, extra.salt, extra.iterations, extra.keylen)
      : secret, extra.challenge);
  const all = [
    {method: 'ticket', authid: 'joe', answer: () => secret},
    {method: 'wampcra', authid: 'joe', answer: cra},
    {method: 'wampcra', authid: 'plain', answer: cra},
    {method: 'cryptosign', authid: 'joe', authextra: {pubkey: cryptosign.public_key(key),
      channel_binding: null}, answer: (s, m, extra) => cryptosign.sign_challenge(key, extra)},
  ];
  if (secure) all.push({method: 'tls', authid: 'joe'});
  return all;
}

// Checks the router's certificate, and shows its own.
function tlsAgent(name) {
  return new https.Agent({ca: read('ca.pem'), cert: read(`${name}.pem`), key: read(`${name}.key`),
    servername: 'localhost'});
}

function join(url, way, agent) {
  const [, host, port] = url.match(/\/\/(.*):(\d+)\/?$/);
  const transport = url.startsWith('ws') ? {type: 'websocket', url, agent}
    : {type: 'rawsocket', host, port: Number(port)};
  return new Promise((resolve) => {
    const connection = new autobahn.Connection({
      transports: [transport], realm: 'realm1', max_retries: 0, authmethods: [way.method],
      authid: way.authid, authextra: way.authextra, onchallenge: way.answer,
    });
    let outcome;
    connection.onopen = (session, details) => {
      outcome = [details.authid, details.authrole, details.authmethod].join(' ');
      connection.close();
    };
    connection.onclose = (reason, details) => {
      resolve(outcome || (details && details.reason) || reason);
      return true;
    };
    connection.open();
  });
}

// What docs/security.md shows to authors of pages.
async function example(url) {
  const session = await login(autobahn, url, 'realm1', 'joe', config.password);
  session.leave('wamp.close.logout');
  return login(autobahn, url, 'realm1', 'joe', 'wrong').then(() => 'let in',
    (error) => error.message);
}

async function main() {
  let checks = 0;
  let failed = 0;
  for (const url of config.urls) {
    const secure = url.startsWith('wss:');
    for (const right of [true, false]) {
      const agent = secure ? tlsAgent(right ? 'joe' : 'mallory') : undefined;
      for (const way of ways(right, secure)) {
        const expected = right ? [way.authid, 'user', way.method].join(' ')
          : 'wamp.error.authentication_denied';
        const outcome = await join(url, way, agent);
        checks += 1;
        if (outcome === expected) continue;
        failed = 1;
        say(`FAIL ${way.method} as ${way.authid} at ${url}: ${outcome} instead of ${expected}`);
      }
    }
  }
  const denied = await example(config.urls.find((url) => url.startsWith('ws:')));
  checks += 1;
  if (denied !== 'wamp.error.authentication_denied') {
    failed = 1;
    say(`FAIL login.js with a wrong password: ${denied}`);
  }
  say(`done ${checks}`);
  return failed;
}

main().then((status) => process.exit(status), (error) => {
  say(`FAIL ${error.stack}`);
  process.exit(1);
});
