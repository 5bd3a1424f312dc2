// wampy.js proves who it is: the part of auth.py for the methods that it knows, ticket, wampcra and
// cryptosign, with each of its serializers, over WebSocket. The urls and secrets are auth_peer.js's.
import nacl from 'tweetnacl';
import {Wampy} from 'wampy';
import {CborSerializer} from 'wampy/CborSerializer.js';
import * as wampyCs from 'wampy/cryptosign.js';
import {JsonSerializer} from 'wampy/JsonSerializer.js';
import {MsgpackSerializer} from 'wampy/MsgpackSerializer.js';
import * as wampyCra from 'wampy/wampcra.js';
import WebSocket from 'ws';

const say = (line) => process.stdout.write(line + '\n');
const config = JSON.parse(process.argv[2]);

// One way to join: what to offer, and how to answer the challenge.
function ways(right) {
  const secret = right ? config.password : 'wrong';
  const seed = right ? config.seed : config.otherSeed;
  const {publicKey} = nacl.sign.keyPair.fromSeed(Uint8Array.from(Buffer.from(seed, 'hex')));
  return [
    {method: 'ticket', authid: 'joe', answer: () => secret},
    {method: 'wampcra', authid: 'joe', answer: wampyCra.sign(secret)},
    {method: 'wampcra', authid: 'plain', answer: wampyCra.sign(secret)},
    {method: 'cryptosign', authid: 'joe', answer: wampyCs.sign(seed),
     authextra: {pubkey: Buffer.from(publicKey).toString('hex')}},
  ];
}

async function join(url, way, serializer) {
  const client = new Wampy(url, {
    realm: 'realm1', ws: WebSocket, serializer, autoReconnect: false, authid: way.authid,
    authmethods: [way.method], authextra: way.authextra ?? {}, onChallenge: way.answer,
  });
  try {
    const welcome = await client.connect();
    await client.disconnect();
    return [welcome.authid, welcome.authrole, welcome.authmethod].join(' ');
  } catch (error) {
    return error.errorUri ?? error.message;
  }
}

let checks = 0;
let failed = 0;
const url = config.urls.find((one) => one.startsWith('ws:'));
for (const Serializer of [JsonSerializer, MsgpackSerializer, CborSerializer]) {
  for (const right of [true, false]) {
    for (const way of ways(right)) {
      const expected = right ? [way.authid, 'user', way.method].join(' ')
        : 'wamp.error.authentication_denied';
      const outcome = await join(url, way, new Serializer());
      checks += 1;
      if (outcome === expected) continue;
      failed = 1;
      say(`FAIL ${Serializer.name}, ${way.method} as ${way.authid}: ${outcome} instead of ${expected}`);
    }
  }
}
say(`done ${checks}`);
process.exit(failed);
