// XMLHttpRequest for Node.js, as far as Autobahn's long-poll transport needs it: POST, a deadline,
// status and text. Like a browser it keeps connections; unlike one it sends the requests with
// messages one after the other, because Autobahn numbers its messages and does not wait.
'use strict';

const http = require('http');

const inOrder = new http.Agent({keepAlive: true, maxSockets: 1});
const parallel = new http.Agent({keepAlive: true});

class XMLHttpRequest {
  constructor() {
    this.headers = {};
    this.status = 0;
    this.statusText = '';
    this.responseText = '';
    this.readyState = 0;
  }
  open(method, url) {
    this.method = method;
    this.url = url;
  }
  setRequestHeader(name, value) { this.headers[name] = value; }
  send(data) {
    const body = Buffer.from(data || '');
    const agent = this.url.endsWith('/send') ? inOrder : parallel;
    const request = http.request(this.url, {
      method: this.method, agent, headers: {...this.headers, 'Content-Length': body.length},
    }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        this.status = answer.statusCode;
        this.statusText = answer.statusMessage;
        this.responseText = Buffer.concat(parts).toString('utf8');
        this.end();
      });
    });
    if (this.timeout > 0) {
      request.setTimeout(this.timeout, () => {
        if (this.ontimeout) this.ontimeout();
        request.destroy();
      });
    }
    request.on('error', () => this.end());
    request.end(body);
  }
  end() {
    if (this.readyState === 4) return;
    this.readyState = 4;
    this.onreadystatechange();
  }
}

module.exports = {XMLHttpRequest, close() { inOrder.destroy(); parallel.destroy(); }};
