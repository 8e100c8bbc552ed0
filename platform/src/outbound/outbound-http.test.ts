// S41: no request of ours reaches an address that is not public, however it is named, resolved or redirected to.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { systemRandom } from '../random.ts';
import { makeSelfSigned } from '../self-signed.ts';
import { createAddressGate, type Resolver } from './address-gate.ts';
import { createOutboundHttp, type OutboundHttp, readBody } from './outbound-http.ts';

const servers: Server[] = [];
const clients: OutboundHttp[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function client(allow: string[], options: { resolver?: Resolver; extraRoots?: string } = {}): OutboundHttp {
  const { resolver, ...rest } = options;
  const made = createOutboundHttp({
    gate: createAddressGate(allow, resolver),
    clock: systemClock,
    verifyTls: true,
    ...rest,
  });
  clients.push(made);
  return made;
}

const get = (http: OutboundHttp, url: string, more: object = {}) =>
  http.send({ method: 'GET', url, timeoutMs: 2_000, ...more });
const at =
  (address: string): Resolver =>
  async () => [{ address, family: address.includes(':') ? 6 : 4 }];

describe('S41: the ban', () => {
  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.1.',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fc00::1]',
    '[fe80::1]',
    '[ff02::1]',
  ])('refuses http://%s', async (host) => {
    await expect(get(client([]), `http://${host}:9/`)).rejects.toThrow(/may not go to/);
  });

  it.each(['127.0.0.1', '10.0.0.1', '::1', '::ffff:10.0.0.1', 'fd00::1'])('refuses a name at %s', async (address) => {
    const http = client([], { resolver: at(address) });
    await expect(get(http, 'http://rebound.example/')).rejects.toThrow(/may not go to/);
  });

  it('asks the name servers once: what was looked at is what is connected to', async () => {
    const port = await serve((_request, response) => response.end('inside'));
    let asked = 0;
    const resolver: Resolver = async () => [{ address: asked++ === 0 ? '192.0.2.1' : '127.0.0.1', family: 4 }];
    await expect(get(client([], { resolver }), `http://rebinding.example:${port}/`)).rejects.toThrow(/may not go to/);
    expect(asked).toBe(1);
  });

  it('holds at each redirect', async () => {
    const port = await serve((_request, response) =>
      response.writeHead(302, { location: 'http://127.0.0.2:9/' }).end(),
    );
    const answer = get(client(['127.0.0.1/32']), `http://127.0.0.1:${port}/`, { maxRedirects: 3 });
    await expect(answer).rejects.toThrow(/127\.0\.0\.2.*may not go to/);
  });

  it.each(['file:///etc/passwd', 'ftp://example.org/', 'gopher://x/', 'http://user:password@example.org/', 'nonsense'])(
    'refuses %s',
    async (url) => {
      await expect(get(client(['0.0.0.0/0']), url)).rejects.toThrow(/asked for/);
    },
  );
});

describe('what is allowed', () => {
  it('reaches exempt ranges, follows redirects up to a limit, and says where it ended', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/end') response.end('here');
      else response.writeHead(302, { location: request.url === '/loop' ? '/loop' : '/end' }).end();
    });
    const http = client(['127.0.0.0/8']);
    const answer = await get(http, `http://127.0.0.1:${port}/start`, { maxRedirects: 3 });
    expect(answer.url).toBe(`http://127.0.0.1:${port}/end`);
    expect((await readBody(answer, 10)).toString()).toBe('here');
    expect((await get(http, `http://127.0.0.1:${port}/loop`, { maxRedirects: 3 })).status).toBe(302);
  });

  it('ends at the deadline and at the size', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/never') return;
      const timer = setInterval(() => response.write(Buffer.alloc(1_000)), 1);
      response.on('close', () => clearInterval(timer));
    });
    const http = client(['127.0.0.0/8']);
    await expect(get(http, `http://127.0.0.1:${port}/never`, { timeoutMs: 100 })).rejects.toThrow(/in time/);
    await expect(
      get(http, `http://127.0.0.1:${port}/endless`).then((answer) => readBody(answer, 50_000)),
    ).rejects.toThrow(/over 50000 bytes/);
    const slow = get(http, `http://127.0.0.1:${port}/endless`, { timeoutMs: 200 }).then((answer) =>
      readBody(answer, 1e9),
    );
    await expect(slow).rejects.toThrow();
  });
});

describe('TLS', () => {
  const times = { fromTs: Date.now() - 60_000, toTs: Date.now() + 86_400_000, random: systemRandom };

  it('checks the certificate against the name it is told, wherever it connects', async () => {
    const { certificate, privateKey } = makeSelfSigned('chat.example.org', times);
    const server = createSecureServer({ cert: certificate, key: privateKey }, (request, response) =>
      response.end(request.headers.host),
    );
    servers.push(server as unknown as Server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connectTo = { host: '127.0.0.1', port };
    const trusting = client(['127.0.0.0/8'], { extraRoots: certificate });
    const good = await get(trusting, 'https://example.org/', { connectTo, certificateName: 'chat.example.org' });
    expect((await readBody(good, 100)).toString()).toBe('example.org');
    await expect(get(trusting, 'https://example.org/', { connectTo })).rejects.toThrow(/altnames|does not match/);
    const doubting = get(client(['127.0.0.0/8']), 'https://chat.example.org/', { connectTo });
    await expect(doubting).rejects.toThrow(/self-signed|certificate/);
  });
});
