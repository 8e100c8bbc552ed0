import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { describe, expect, test } from 'vitest';
import { MAX_X_MATRIX_CHARACTERS, parseXMatrix, requestText, signRequest, verifyRequest } from './request-signing.ts';

const key = signingKeyFromSeed(new Uint8Array(32).fill(3), 'ed25519:a_1');
const request = {
  method: 'PUT',
  uri: '/_matrix/federation/v1/send/1?a=%21',
  origin: 'a.example',
  destination: 'b.example:8448',
  contentText: '{"pdus":[]}',
};

describe('S27: request authentication', () => {
  test('a signed request verifies, and no other', async () => {
    const header = parseXMatrix(signRequest(request, key))!;
    expect(header).toMatchObject({ origin: 'a.example', destination: 'b.example:8448', key: 'ed25519:a_1' });
    expect(await verifyRequest(request, header, key.verifyKey)).toBe(true);
    for (const change of [
      { method: 'POST' },
      { uri: '/_matrix/federation/v1/send/1?a=!' },
      { origin: 'c.example' },
      { destination: 'c.example' },
      { destination: undefined },
      { contentText: '{"pdus":[1]}' },
      { contentText: undefined },
    ]) {
      expect(await verifyRequest({ ...request, ...change }, header, key.verifyKey)).toBe(false);
    }
    expect(await verifyRequest(request, { ...header, sig: 'AAAA' }, key.verifyKey)).toBe(false);
    expect(await verifyRequest(request, { ...header, sig: '%' }, key.verifyKey)).toBe(false);
  });

  test('what is signed is canonical', () => {
    expect(requestText({ method: 'GET', uri: '/x', origin: 'a', destination: undefined })).toBe(
      '{"method":"GET","origin":"a","uri":"/x"}',
    );
    expect(requestText(request)).toBe(
      '{"content":{"pdus":[]},"destination":"b.example:8448","method":"PUT","origin":"a.example","uri":"/_matrix/federation/v1/send/1?a=%21"}',
    );
  });

  test('values may be unquoted, with a colon as old servers have it', () => {
    expect(parseXMatrix('X-Matrix origin=a.example:80,key=ed25519:1,sig=A/B+c')).toEqual({
      origin: 'a.example:80',
      key: 'ed25519:1',
      sig: 'A/B+c',
    });
  });

  test.each([
    '',
    'Bearer x',
    'X-Matrix',
    'X-Matrix origin=a',
    'X-Matrix origin="a",key="k"',
    'X-Matrix origin="a",sig="s",key=""',
    'X-Matrix origin="a b",key="k",sig="s"',
    'X-Matrix origin="a/../b",key="k",sig="s"',
    'X-Matrix origin="a",origin="b",key="k",sig="s"',
    'X-Matrix origin="a",ORIGIN="b",key="k",sig="s"',
    'X-Matrix origin="a,key="k",sig="s"',
    'X-Matrix origin="a"key="k",sig="s"',
    'X-Matrix origin="a",key="k",sig="s',
    'X-Matrix origin="a",,key="k",sig="s"',
    `X-Matrix origin="a",key="k",sig="${'s'.repeat(MAX_X_MATRIX_CHARACTERS)}"`,
  ])('%j is refused', (header) => expect(parseXMatrix(header)).toBeUndefined());

  test('hostile headers are read in no time', () => {
    const began = process.cpuUsage();
    for (const part of ['a', '\\', '"', ' ', '=', ',', 'a=', 'a="\\"'])
      parseXMatrix(`X-Matrix ${part.repeat(4000 / part.length)}`);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(200);
  });
});
