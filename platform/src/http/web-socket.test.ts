import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../clock.ts';
import { start } from '../testing/http-fixture.ts';
import { rawRequest } from '../testing/raw-http.ts';
import type { SocketConnection, SocketRequest, WebSocketDoor } from './socket-door.ts';

const PATH = '/_matrix/client/unstable/test.socket';

async function open(door: Partial<WebSocketDoor> = {}) {
  const sockets: SocketConnection[] = [];
  const requests: SocketRequest[] = [];
  const server = await start(
    {},
    {
      sockets: [
        {
          path: PATH,
          protocol: 'test.v1',
          maxPayloadBytes: 1000,
          maxConnections: 2,
          onConnection: (socket, request) => {
            sockets.push(socket);
            requests.push(request);
            socket.onMessage((text) => socket.send(Buffer.from(`echo ${text}`)));
          },
          ...door,
        },
      ],
    },
  );
  const connect = (path = PATH, protocols: string[] = ['test.v1'], headers: Record<string, string> = {}) => {
    const client = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, protocols, { headers });
    const messages: [string, boolean][] = [];
    client.on('message', (data, isBinary) => messages.push([String(data), isBinary]));
    const outcome = new Promise<string>((resolve) => {
      client.on('open', () => resolve('open'));
      client.on('unexpected-response', (_, response) => resolve(`refused ${response.statusCode}`));
      client.on('error', (error) => resolve(error.message));
    });
    const closed = new Promise<number>((resolve) => client.on('close', resolve));
    return { client, messages, outcome, closed };
  };
  return { ...server, sockets, requests, connect };
}

describe('a WebSocket door', () => {
  it('lets text through both ways, and says who comes', async () => {
    const { connect, requests } = await open();
    const { client, messages, outcome } = connect(`${PATH}?a=b&access_token=query`, ['other', 'test.v1'], {
      Authorization: 'Bearer abc',
    });
    expect(await outcome).toBe('open');
    expect(client.protocol).toBe('test.v1');
    client.send('ä');
    await expect.poll(() => messages).toEqual([['echo ä', false]]);
    expect(requests[0]).toMatchObject({ accessToken: 'abc', address: '127.0.0.1' });
    expect(requests[0]?.query.get('a')).toBe('b');
    client.close();
  });

  it('never takes a token from the URL', async () => {
    const { connect, requests } = await open();
    const { client, outcome } = connect(`${PATH}?access_token=query`);
    await outcome;
    expect(requests[0]?.accessToken).toBeNull();
    client.close();
  });

  it('refuses other paths, other protocols and too many', async () => {
    const { connect, sockets } = await open();
    expect(await connect('/_matrix/other').outcome).toBe('refused 404');
    expect(await connect(PATH, ['other']).outcome).toBe('refused 400');
    expect(await connect(`${PATH}?a=%ff`).outcome).toBe('refused 400');
    const [first, second] = [connect(PATH, []), connect()];
    expect([await first.outcome, await second.outcome]).toEqual(['open', 'open']);
    expect(await connect().outcome).toBe('refused 503');
    first.client.close();
    await first.closed;
    await expect.poll(() => sockets[0]?.isOpen).toBe(false);
    expect(await connect().outcome).toBe('open');
  });

  it('answers a plain request, and an upgrade that is none, as HTTP does', async () => {
    const { call, port } = await open();
    expect((await call('GET', PATH)).status).toBe(404);
    const head = `GET ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    expect(await rawRequest(port, `${head}\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(await rawRequest(port, `${head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400/,
    );
  });

  it('ends connections that send what they may not', async () => {
    const { connect } = await open();
    const tooLong = connect();
    await tooLong.outcome;
    tooLong.client.send('a'.repeat(1001));
    expect(await tooLong.closed).toBe(1009);
    const binary = connect();
    await binary.outcome;
    binary.client.send(Buffer.from('a'));
    expect(await binary.closed).toBe(1003);
    const invalid = connect();
    await invalid.outcome;
    invalid.client.send(Buffer.from([0xff]), { binary: false });
    expect(await invalid.closed).toBe(1007);
  });

  it('keeps early messages until someone listens, and tells the end to those who ask late', async () => {
    const { connect, sockets } = await open({ onConnection: (socket) => sockets.push(socket) });
    const { client, messages, outcome } = connect();
    await outcome;
    client.send('early');
    await systemClock.sleep(20);
    const received: string[] = [];
    sockets[0]?.onMessage((text) => received.push(text));
    await expect.poll(() => received).toEqual(['early']);
    sockets[0]?.pause();
    client.send('held');
    await systemClock.sleep(20);
    expect(received).toEqual(['early']);
    sockets[0]?.resume();
    await expect.poll(() => received).toEqual(['early', 'held']);
    const sent = new Promise<void>((resolve) => sockets[0]?.send('bye', resolve));
    await sent;
    sockets[0]?.close(4001, 'ü'.repeat(200));
    const code = await new Promise((resolve) => client.on('close', resolve));
    expect([code, messages]).toEqual([4001, [['bye', false]]]);
    await expect.poll(() => sockets[0]?.isOpen).toBe(false);
    await systemClock.sleep(20);
    const late = await new Promise((resolve) => sockets[0]?.onClose(resolve));
    expect(late).toBe(4001);
    sockets[0]?.send('nobody hears this');
  });

  it('says goodbye when the server stops, and cuts those who do not answer', async () => {
    const { connect, http } = await open();
    const { outcome, closed } = connect();
    await outcome;
    const stubborn = connect();
    await stubborn.outcome;
    stubborn.client.pause();
    const startedMs = systemClock.monotonic();
    await http.close();
    expect(await closed).toBe(1001);
    expect(systemClock.monotonic() - startedMs).toBeLessThan(3000);
    stubborn.client.terminate();
  });
});
