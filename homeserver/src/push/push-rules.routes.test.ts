import type { JsonObject } from '@carillon/protocol/json.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ChatWorld, openChatWorld, serve, user } from '../ephemeral/testing/chat-world.ts';
import { defaultRuleset } from './default-push-rules.ts';
import { loadPushRuleBook, type PushRuleBook } from './push-rule-book.ts';
import { pushRulesRoutes } from './push-rules.routes.ts';

let world: ChatWorld;
let book: PushRuleBook;
let api: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  world = await openChatWorld();
  book = await loadPushRuleBook(world.dependencies);
  api = await serve(pushRulesRoutes(book));
});
afterAll(async () => {
  await api.close();
  await world.close();
});

const by = (userId: ReturnType<typeof user>) => ({
  get: (path: string) => api.call(userId, 'GET', `/pushrules/${path}`),
  put: (path: string, body: JsonObject) => api.call(userId, 'PUT', `/pushrules/${path}`, body),
  remove: (path: string) => api.call(userId, 'DELETE', `/pushrules/${path}`),
  async ids(kind: string): Promise<string[]> {
    const { body } = await api.call(userId, 'GET', '/pushrules/global/');
    return (body[kind] as { rule_id: string }[]).map((rule) => rule.rule_id);
  },
});

const notify = { actions: ['notify'] };

it('begins with the default rules', async () => {
  const alice = user('alice');
  expect((await by(alice).get('')).body).toEqual({ global: defaultRuleset(alice) });
  expect(book.accountData(alice).position).toBe(0);
  const rule = await by(alice).get('global/override/.m.rule.is_user_mention');
  expect(rule.body).toMatchObject({ default: true, enabled: true, conditions: [{ value: alice }] });
});

it('places own rules before the default ones, next to each other as asked, and keeps them over a restart', async () => {
  const bob = by(user('bob'));
  for (const name of ['one', 'two']) {
    expect((await bob.put(`global/override/${name}`, notify)).status).toBe(200);
  }
  await bob.put('global/override/three?after=two', notify);
  await bob.put('global/override/four?before=one&after=two', notify);
  const order = ['.m.rule.master', 'two', 'three', 'four', 'one', '.m.rule.suppress_notices'];
  expect((await bob.ids('override')).slice(0, 6)).toEqual(order);
  await bob.put('global/override/one?before=two', notify);
  await bob.put('global/override/two', { actions: [] });
  const moved = ['one', 'two', 'three', 'four'];
  expect((await bob.ids('override')).slice(1, 5)).toEqual(moved);
  const again = await loadPushRuleBook(world.dependencies);
  expect(again.accountData(user('bob'))).toEqual(book.accountData(user('bob')));
  const told = world.changes.filter((change) => change.kind === 'accountData' && change.userId === user('bob'));
  expect(told).toHaveLength(6);
  expect(told.at(-1)).toMatchObject({ type: 'm.push_rules', position: book.accountData(user('bob')).position });
});

it('changes what default and own rules do, and deletes only own ones', async () => {
  const carol = by(user('carol'));
  await carol.put('global/content/cake', { pattern: 'cake', actions: ['notify', 'dont_notify'] });
  for (const path of ['global/content/cake', 'global/underride/.m.rule.message']) {
    expect((await carol.put(`${path}/enabled`, { enabled: false })).status).toBe(200);
    expect((await carol.get(`${path}/enabled`)).body).toEqual({ enabled: false });
    expect((await carol.get(`${path}/actions`)).body).toEqual(notify);
    const actions = [{ set_tweak: 'sound', value: 'ring' }];
    expect((await carol.put(`${path}/actions`, { actions })).status).toBe(200);
    expect((await carol.get(path)).body).toMatchObject({ enabled: false, actions });
  }
  expect((await carol.remove('global/content/cake')).status).toBe(200);
  expect((await carol.get('global/content/cake')).status).toBe(404);
  const gone = { status: 404, body: { errcode: 'M_NOT_FOUND' } };
  expect(await carol.remove('global/content/cake')).toMatchObject(gone);
  expect(await carol.remove('global/underride/.m.rule.message')).toMatchObject(gone);
  expect(await carol.put('global/override/nothing/enabled', { enabled: true })).toMatchObject(gone);
});

it.each([
  ['global/override/.mine', notify, 'M_INVALID_PARAM'],
  ['global/override/a%2Fb', notify, 'M_INVALID_PARAM'],
  ['global/strange/mine', notify, 'M_INVALID_PARAM'],
  ['global/room/mine', notify, 'M_INVALID_PARAM'],
  ['global/sender/mine', notify, 'M_INVALID_PARAM'],
  ['global/content/mine', notify, 'M_MISSING_PARAM'],
  ['global/content/mine', { ...notify, pattern: 'x'.repeat(2_000) }, 'M_INVALID_PARAM'],
  ['global/override/mine', { actions: ['explode'] }, 'M_INVALID_PARAM'],
  ['global/override/mine', { actions: [{ sound: 'x' }] }, 'M_INVALID_PARAM'],
  ['global/override/mine', { ...notify, conditions: [{}] }, 'M_INVALID_PARAM'],
  ['global/override/mine', { ...notify, conditions: [{ kind: 'event_match' }] }, 'M_MISSING_PARAM'],
  ['global/override/mine?before=unknown', notify, 'M_UNKNOWN'],
  ['global/override/mine?after=.m.rule.master', notify, 'M_UNKNOWN'],
])('refuses %s %j', async (path, body, errcode) => {
  const dora = by(user('dora'));
  expect(await dora.put(path, body as JsonObject)).toMatchObject({ status: 400, body: { errcode } });
  expect(book.accountData(user('dora')).position).toBe(0);
});
