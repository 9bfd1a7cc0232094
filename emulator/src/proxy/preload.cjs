// Leads the connections of Node.js to fal's hosts to the local emulator. Loaded by NODE_OPTIONS.
//
// Node.js before 22.21 and 24.5 ignores HTTPS_PROXY, and WebSocket packages ignore it in all versions. A connection keeps the
// name of its host, so that the emulator knows for which host it is. Connections to other hosts stay as they are, and so do
// those inside of a proxy's tunnel.
'use strict';

const tls = require('node:tls');
const { syncBuiltinESMExports } = require('node:module');

const PORT = EMULATOR_PORT;
// fal's domains, and the storage of Google, to which old clients upload.
const DOMAINS = [FAL_DOMAINS, 'storage.googleapis.com'];

const isFal = (host) => DOMAINS.some((domain) => host === domain || host.endsWith(`.${domain}`));

const connect = tls.connect;
tls.connect = function (...args) {
  const options = args.find((argument) => typeof argument === 'object' && argument !== null) ?? {};
  const host = options.servername || options.host || args.find((argument) => typeof argument === 'string') || '';
  if (options.socket || options.path || !isFal(String(host).toLowerCase())) {
    return connect.apply(this, args);
  }
  const callback = args.find((argument) => typeof argument === 'function');
  return connect.call(this, { ...options, servername: host, host: '127.0.0.1', port: PORT }, callback);
};
syncBuiltinESMExports();
