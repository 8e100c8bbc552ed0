// The certificate as others read it.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, it } from 'vitest';
import { systemRandom } from './random.ts';
import { makeSelfSigned } from './self-signed.ts';

const times = { fromTs: Date.now() - 60_000, toTs: Date.now() + 86_400_000, random: systemRandom };

it.each(['chat.example.org', '127.0.0.1', '::1', '2001:db8::5:6'])('names %s, and is signed by its own key', (host) => {
  const { certificate } = makeSelfSigned(host, times);
  const read = new X509Certificate(certificate);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(host.includes('.') && !/^\d/.test(host) ? read.checkHost(host) : read.checkIP(host)).toBe(host);
  expect(Math.abs(new Date(read.validTo).getTime() - times.toTs)).toBeLessThan(1_000);
});

it('is good for a TLS connection that trusts it', async () => {
  const { certificate, privateKey } = makeSelfSigned('localhost', times);
  const server = createServer({ cert: certificate, key: privateKey }, (socket) => socket.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: certificate });
  await once(client, 'secureConnect');
  expect(client.authorized).toBe(true);
  client.destroy();
  server.close();
});
