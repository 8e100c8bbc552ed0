import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import { describe, expect, it } from 'vitest';
import { Router } from './router.ts';

function build(...routes: string[]): Router<string> {
  const router = new Router<string>();
  for (const route of routes) {
    const [method, path] = route.split(' ') as ['GET' | 'PUT' | 'POST' | 'DELETE', string];
    router.add(method, path, route);
  }
  return router;
}

describe('Router', () => {
  const router = build(
    'GET /rooms/{roomId}/state',
    'GET /rooms/{roomId}/state/{eventType}/{stateKey}',
    'PUT /rooms/{roomId}/state/{eventType}/{stateKey}',
    'GET /directory/room/{roomAlias}',
    'GET /pushrules/',
    'GET /pushrules/global/',
    'GET /pushrules/{scope}/{kind}/{ruleId}',
    'PUT /profile/{userId}/displayname',
    'GET /profile/{userId}/{keyName}',
  );
  const find = (path: string, method: 'GET' | 'PUT' | 'POST' = 'GET') => router.find(method, path);

  it('decodes parameters after it has split, so that encoded slashes stay inside', () => {
    expect(find('/directory/room/%23a%2Fb%3Ahs')).toMatchObject({ path: { roomAlias: '#a/b:hs' } });
    expect(find('/rooms/!a:b/state/m.x/%2F%2f')).toMatchObject({ path: { roomId: '!a:b', stateKey: '//' } });
    expect(find('/rooms/!a:b/state/m.x/%252F')).toMatchObject({ path: { stateKey: '%2F' } });
    expect(find('/rooms/!ä☃:b/state/m.x/+')).toMatchObject({ path: { roomId: '!ä☃:b', stateKey: '+' } });
  });

  it('lets only a last state key be empty', () => {
    expect(find('/rooms/!a:b/state/m.x/')).toMatchObject({ path: { eventType: 'm.x', stateKey: '' } });
    expect(find('/rooms/!a:b/state/m.x').outcome).toBe('unknown');
    expect(find('/rooms//state').outcome).toBe('unknown');
    expect(find('/rooms/!a:b/state//k').outcome).toBe('unknown');
    expect(find('/directory/room/').outcome).toBe('unknown');
    expect(find('/rooms/!a:b/state/').outcome).toBe('unknown');
  });

  it('prefers literals, also encoded ones, and comes back from dead ends and from other methods', () => {
    expect(find('/pushrules/global/')).toMatchObject({ value: 'GET /pushrules/global/' });
    expect(find('/pushrules/global/override/x')).toMatchObject({
      path: { scope: 'global', kind: 'override', ruleId: 'x' },
    });
    expect(find('/%70ushrules/')).toMatchObject({ value: 'GET /pushrules/' });
    expect(find('/profile/@a:b/displayname')).toMatchObject({ path: { keyName: 'displayname' } });
    expect(find('/profile/@a:b/displayname', 'PUT')).toMatchObject({ value: 'PUT /profile/{userId}/displayname' });
  });

  it('tells an unknown path from an unknown method', () => {
    expect(find('/rooms/!a:b/state', 'POST')).toEqual({ outcome: 'wrongMethod', allowed: ['GET'] });
    expect(find('/profile/@a:b/displayname', 'POST')).toEqual({ outcome: 'wrongMethod', allowed: ['PUT', 'GET'] });
    expect(find('/room/!a:b/state').outcome).toBe('unknown');
    expect(find(`/${'x/'.repeat(100)}`).outcome).toBe('unknown');
    expect(find('').outcome).toBe('unknown');
    expect(find('rooms/!a:b/state').outcome).toBe('unknown');
  });

  it('refuses bad percent-encoding, bad UTF-8 and U+0000 in a parameter', () => {
    for (const bad of ['%', '%G1', '%ff', '%ed%a0%80', '%00']) {
      expect(() => find(`/directory/room/${bad}`)).toThrow(MatrixError);
      expect(find(`/nowhere/${bad}`).outcome).toBe('unknown');
    }
  });

  it('is not fooled by names of object properties', () => {
    expect(find('/constructor').outcome).toBe('unknown');
    expect(find('/__proto__/x').outcome).toBe('unknown');
  });

  it('refuses routes that clash or that put a parameter into part of a segment', () => {
    expect(() => build('GET /a/{b}', 'GET /a/{c}')).toThrow('twice');
    expect(() => build('GET /a/x{b}')).toThrow('whole segment');
  });
});
