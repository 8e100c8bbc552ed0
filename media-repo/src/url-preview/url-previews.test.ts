import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaWorld, startMediaWorld } from '../testing/media-world.ts';

const servers: Server[] = [];
async function serve(host: string, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

describe('a link', () => {
  let world: MediaWorld;
  let site: string;
  /** An address that may not be reached; whoever comes is counted. */
  let hidden: string;
  let hiddenVisits = 0;
  const visits: IncomingMessage[] = [];
  const pages: Record<string, string> = {};

  beforeAll(async () => {
    world = await startMediaWorld({ environment: { CARILLON_OUTBOUND__ALLOW_RANGES: '127.0.0.1/32' } });
    const image = await sharp({ create: { width: 200, height: 100, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    hidden = await serve('127.0.0.2', (_, response) => {
      hiddenVisits += 1;
      response.setHeader('Content-Type', 'text/html');
      response.end('<title>secret</title>');
    });
    site = await serve('127.0.0.1', (request, response) => {
      visits.push(request);
      const path = request.url ?? '';
      if (path === '/image.png') return response.setHeader('Content-Type', 'image/png').end(image);
      if (path.startsWith('/to/'))
        return response.writeHead(302, { Location: decodeURIComponent(path.slice(4)) }).end();
      if (path === '/endless') {
        response.setHeader('Content-Type', 'text/html');
        response.write('<title>long</title>');
        const more = () => {
          while (!response.destroyed && response.write('<p>'.repeat(10_000)));
        };
        response.on('drain', more);
        return more();
      }
      if (path === '/data') return response.setHeader('Content-Type', 'application/zip').end('<title>no</title>');
      if (path.endsWith('.json')) return response.setHeader('Content-Type', 'application/json').end(pages[path]);
      const page = pages[path];
      if (page === undefined) return response.writeHead(404).end();
      return response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
    });
  });
  afterAll(async () => {
    await world.close();
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });
  const preview = (url: string, path = '/_matrix/client/v1/media/preview_url') =>
    world.call('GET', `${path}?url=${encodeURIComponent(url)}`, { headers: { 'Accept-Language': 'de, en;q=0.5' } });

  it('is shown by what its page says, with its picture as media', async () => {
    pages['/a'] =
      `<html><head><meta property="og:title" content="A &amp; B"><meta name="description" content="What it is">
      <meta property="og:type" content="article"><meta property="og:image" content="/image.png"></head></html>`;
    const { status, json } = await preview(`${site}/a#part`);
    expect([status, json]).toEqual([
      200,
      {
        'og:title': 'A & B',
        'og:type': 'article',
        'og:description': 'What it is',
        'og:image': expect.stringMatching(/^mxc:\/\/test\.example\//),
        'og:image:type': 'image/png',
        'og:image:width': 200,
        'og:image:height': 100,
        'matrix:image:size': expect.any(Number),
      },
    ]);
    const id = String(json['og:image']).slice('mxc://'.length);
    expect((await world.call('GET', `/_matrix/client/v1/media/thumbnail/${id}?width=32&height=32`)).status).toBe(200);
  });

  it('is looked at once, and in the language of who asks', async () => {
    pages['/once'] = '<title>One</title>';
    visits.length = 0;
    const replies = await Promise.all([1, 2, 3].map(() => preview(`${site}/once`)));
    expect(replies.map(({ json }) => json)).toEqual(Array(3).fill({ 'og:title': 'One' }));
    await preview(`${site}/once`, '/_matrix/media/v3/preview_url');
    expect(visits.length).toBe(1);
    expect(visits[0]?.headers['accept-language']).toBe('de, en;q=0.5');
  });

  it('S43: hears nothing of who asks', async () => {
    pages['/quiet'] = '<title>Q</title>';
    visits.length = 0;
    await preview(`${site}/quiet`);
    const names = Object.keys(visits[0]?.headers ?? {}).sort();
    expect(names).toEqual(['accept', 'accept-encoding', 'accept-language', 'connection', 'host', 'user-agent']);
  });

  it('may be a picture, a card, or have an oEmbed', async () => {
    expect((await preview(`${site}/image.png`)).json).toMatchObject({ 'og:image:width': 200 });
    pages['/card'] = '<meta name="twitter:title" content="T"><meta name="twitter:image" content="/image.png">';
    expect((await preview(`${site}/card`)).json).toMatchObject({ 'og:title': 'T', 'og:image': expect.any(String) });
    pages['/o.json'] = JSON.stringify({ title: 'O', author_name: 'Au', thumbnail_url: `${site}/image.png` });
    pages['/o'] = '<link rel="alternate" type="application/json+oembed" href="/o.json">';
    expect((await preview(`${site}/o`)).json).toMatchObject({
      'og:title': 'O',
      'og:author': 'Au',
      'og:image': expect.any(String),
    });
  });

  it('S41: leads to no private address: not itself, not by redirect, picture, or oEmbed', async () => {
    hiddenVisits = 0;
    const port = new URL(hidden).port;
    const direct = [
      hidden,
      `http://2130706434:${port}`,
      `http://0x7f.2:${port}`,
      `http://[::ffff:127.0.0.2]:${port}`,
      `http://0.0.0.0:${port}`,
      `http://[::]:${port}`,
      `http://169.254.169.254/`,
      `${site}/to/${encodeURIComponent(hidden)}`,
    ];
    for (const url of direct) expect((await preview(url)).status, url).toBe(502);
    pages['/picture'] = `<title>P</title><meta property="og:image" content="${hidden}/x.png">`;
    expect((await preview(`${site}/picture`)).json).toEqual({ 'og:title': 'P' });
    pages['/embed'] = `<title>E</title><link rel="alternate" type="application/json+oembed" href="${hidden}/x">`;
    expect((await preview(`${site}/embed`)).json).toEqual({ 'og:title': 'E' });
    pages['/e2.json'] = JSON.stringify({ title: 'x', thumbnail_url: `${hidden}/y.png` });
    pages['/e2'] = '<title>F</title><link rel="alternate" type="application/json+oembed" href="/e2.json">';
    expect((await preview(`${site}/e2`)).json).toEqual({ 'og:title': 'F' });
    expect(hiddenVisits).toBe(0);
    for (const odd of ['file:///etc/passwd', 'ftp://a/', 'http://user:pw@127.0.0.1/', 'nonsense', 'javascript:1'])
      expect((await preview(odd)).status, odd).toBe(400);
  });

  it('S42: that is a bomb is cut off: nested tags, an endless body, another type, a thousand properties', async () => {
    pages['/deep'] = `<title>D</title>${'<div>'.repeat(100_000)}`;
    expect((await preview(`${site}/deep`)).json).toMatchObject({ 'og:title': 'D' });
    expect((await preview(`${site}/endless`)).json).toMatchObject({ 'og:title': 'long' });
    expect((await preview(`${site}/data`)).status).toBe(502);
    pages['/many'] = Array.from(
      { length: 1_000 },
      (_, n) => `<meta property="og:x${n}" content="${'y'.repeat(5_000)}">`,
    ).join('');
    const many = await preview(`${site}/many`);
    expect(Object.keys(many.json).length).toBeLessThanOrEqual(50);
    expect(many.body.length).toBeLessThan(60_000);
    pages['/odd'] =
      '<title>a\0b\u202e</title><meta property="__proto__" content="x"><meta property="og:title" content="\ud800">';
    expect((await preview(`${site}/odd`)).status).toBe(200);
    expect((await preview(`${site}/nothing-here`)).status).toBe(502);
  });
});
