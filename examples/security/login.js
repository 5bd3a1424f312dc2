// How a page logs in by WAMP-CRA, with Autobahn for JavaScript (https://github.com/crossbario/autobahn-js):
//
//     login(autobahn, 'wss://localhost:8443/', 'com.example.main', 'alice', password)
//       .then((session) => session.subscribe('com.example.news.today', show));
//
// The password stays in the browser; the router sees a signature. No further attempt is made with a wrong
// one, because the router slows down whoever guesses.
'use strict';

function login(autobahn, url, realm, user, password) {
  const connection = new autobahn.Connection({
    url,
    realm,
    authid: user,
    authmethods: ['wampcra'],
    onchallenge: (session, method, extra) => {
      const key = extra.salt ? autobahn.auth_cra.derive_key(password, extra.salt, extra.iterations,
        extra.keylen) : password;
      return autobahn.auth_cra.sign(key, extra.challenge);
    },
  });
  return new Promise((resolve, reject) => {
    let open = false;
    connection.onopen = (session) => {
      open = true;
      resolve(session);
    };
    connection.onclose = (reason, details) => {
      reject(new Error((details && details.reason) || reason));
      return !open; // true: do not connect again
    };
    connection.open();
  });
}

if (typeof module !== 'undefined') module.exports = {login};
