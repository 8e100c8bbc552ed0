// S36: bytes that two parsers could read as different requests end the connection; nothing of them reaches a handler.
import { describe, expect, it } from 'vitest';
import { base, contracts, start } from '../testing/http-fixture.ts';
import { rawRequest } from '../testing/raw-http.ts';
import { handle } from './handle.ts';

const HIDDEN = `GET /_matrix/client/versions HTTP/1.1\r\nHost: a\r\n\r\n`;

/** A server that counts the requests that a handler saw. */
async function counting() {
  const seen: string[] = [];
  const { port } = await start(
    {},
    {
      handlers: [
        handle(contracts.open, async () => {
          seen.push('hidden');
          return { text: '' };
        }),
        handle(contracts.optional, async () => {
          seen.push('first');
          return { had: true };
        }),
      ],
    },
  );
  const send = (headersAndBody: string) =>
    rawRequest(port, `PUT ${base}/optional HTTP/1.1\r\nHost: a\r\n${headersAndBody}`, 400);
  const answersIn = (text: string) => text.match(/HTTP\/1\.1 \d+/g) ?? [];
  return { seen, send, answersIn };
}

describe('S36: a request that can be read in two ways', () => {
  it.each([
    [
      'Content-Length and Transfer-Encoding',
      `Content-Length: ${HIDDEN.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['Transfer-Encoding and Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n'],
    ['two Content-Lengths', 'Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}'],
    ['a list of Content-Lengths', 'Content-Length: 2, 90\r\n\r\n{}'],
    ['a signed Content-Length', 'Content-Length: +2\r\n\r\n{}'],
    ['a Transfer-Encoding that does not end in chunked', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['two Transfer-Encodings', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n'],
    ['a coding with a tab before it', 'Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n'],
    ['a folded header', 'X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a bare line feed between headers', 'X-A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a bare line feed after a chunk size', 'Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n'],
    ['a bare carriage return in a header', 'X-A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a blank before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk size in another notation', 'Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n'],
    ['a chunk longer than it says', 'Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n'],
    ['a chunk size beyond 64 bits', `Transfer-Encoding: chunked\r\n\r\n1${'0'.repeat(20)}\r\n{}\r\n0\r\n\r\n`],
    ['a chunk extension with a line feed', 'Transfer-Encoding: chunked\r\n\r\n2;a=\nb\r\n{}\r\n0\r\n\r\n'],
    ['a chunk extension without end', `Transfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(40_000)}\r\n{}\r\n0\r\n\r\n`],
  ])('%s', async (_, rest) => {
    const { seen, send, answersIn } = await counting();
    const text = await send(rest + HIDDEN);
    expect(answersIn(text).filter((line) => !/ 4\d\d$/.test(line))).toEqual([]);
    expect(answersIn(text).length).toBeLessThan(2);
    expect(seen).not.toContain('hidden');
  });

  it('chunk extensions are read as nothing, and what follows the body is the next request', async () => {
    const { seen, send, answersIn } = await counting();
    const text = await send(`Transfer-Encoding: chunked\r\n\r\n2;name=value\r\n{}\r\n0;last\r\n\r\n${HIDDEN}`);
    expect(answersIn(text)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 200']);
    expect(seen).toEqual(['hidden']);
  });
});
