// The search for secrets finds them, however they are written.
import { expect, it } from 'vitest';
import { findSecrets } from './find-secrets.ts';

const token = 'crl_kQ-x7_0aBcDeFgHiJkLmNoPqRsTuVwXyZ012345678';
const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJAYW5uYTpoczEiLCJleHAiOjE3MDB9.c2lnbmF0dXJlLXRoYXQtaXMtcXVpdGUtbG9uZw';
const secrets = new Set([token, jwt, 'password of anna']);
const found = (text: string) => findSecrets(text, secrets).map(({ secret }) => secret);

it.each([
  ['as it is', `{"msg":"${token}"}`, token],
  ['in a query', `GET /sync?access_token=${token}&since=1`, token],
  ['behind an escaped line', `{"stack":"Error\\n${token}"}`, token],
  ['percent-encoded', `Bearer%20${token}`, token],
  ['as a token with parts', `"Authorization: Bearer ${jwt}"`, jwt],
  ['as a sentence', 'login {"password":"password of anna"}', 'password of anna'],
  ['as a sentence in a query', 'p=password%20of%20anna', 'password of anna'],
])('finds a secret %s', (_, text, secret) => {
  expect(found(text)).toEqual([secret]);
});

it('finds nothing where there is nothing', () => {
  expect(found('{"user":"@anna:hs1","token":"[hidden]","msg":"password of ben, crl_other"}')).toEqual([]);
});
