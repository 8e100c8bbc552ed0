// Interactive authentication: flows, binding, and what a session remembers (S57).
import { systemRandom } from '@carillon/platform/random.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, limitExceeded, MatrixError } from '@carillon/protocol/matrix-error.ts';
import { describe, expect, it } from 'vitest';
import { dummyStage, UI_AUTH_SESSION_LIFETIME_MS, type UiAuthRequest, UserInteractiveAuth } from './ui-auth.ts';

const alice = '@alice:test.example' as UserId;

function setUp() {
  const clock = new VirtualClock();
  const uiAuth = new UserInteractiveAuth({ clock, random: systemRandom });
  const request: UiAuthRequest = {
    operation: 'POST /x',
    userId: alice,
    flows: [['m.login.password', 'm.login.dummy']],
    stages: {
      'm.login.dummy': dummyStage,
      'm.login.password': async ({ password }) => {
        if (password === 'slow down') throw limitExceeded(1);
        if (password !== 'right') throw forbidden('wrong');
        return alice;
      },
    },
  };
  const ask = async (auth: unknown, change: Partial<UiAuthRequest> = {}): Promise<JsonObject> => {
    try {
      return { done: [...(await uiAuth.require({ ...request, ...change }, auth))].flat() };
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      return { status: error.status, ...error.toBody() };
    }
  };
  return { clock, ask };
}

describe('interactive authentication', () => {
  it('goes stage by stage, and a session is used up at the end', async () => {
    const { ask } = setUp();
    const { session } = await ask(undefined);
    const password = { type: 'm.login.password', password: 'right', session };
    expect(await ask(password)).toMatchObject({ status: 401, completed: ['m.login.password'], session });
    expect(await ask({ type: 'm.login.dummy', session })).toEqual({
      done: ['m.login.password', alice, 'm.login.dummy', true],
    });
    const again = await ask({ type: 'm.login.dummy', session });
    expect(again['session']).not.toBe(session);
    expect(again['completed']).toBeUndefined();
  });

  it('S57: keeps what a stage established, never what was typed', async () => {
    const { ask } = setUp();
    const { session } = await ask(undefined);
    await ask({ type: 'm.login.password', password: 'right', session });
    const { done } = await ask({ type: 'm.login.dummy', session });
    expect(JSON.stringify(done)).not.toContain('right');
  });

  it('is bound to the user and the operation', async () => {
    const { ask } = setUp();
    const { session } = await ask(undefined);
    await ask({ type: 'm.login.password', password: 'right', session });
    for (const change of [{ operation: 'POST /y' }, { userId: '@eve:test.example' as UserId }]) {
      const reply = await ask({ type: 'm.login.dummy', session }, change);
      expect(reply['completed']).toBeUndefined();
      expect(reply['session']).not.toBe(session);
    }
  });

  it('says what was wrong with a stage, lets it be tried again, but not for ever', async () => {
    const { ask } = setUp();
    const { session } = await ask(undefined);
    const wrong = { type: 'm.login.password', password: 'wrong', session };
    expect(await ask(wrong)).toMatchObject({ status: 401, errcode: 'M_FORBIDDEN', session });
    expect(await ask({ ...wrong, password: 'slow down' })).toMatchObject({ status: 429 });
    expect(await ask({ type: 'm.login.magic', session })).toMatchObject({ status: 401, errcode: 'M_UNRECOGNIZED' });
    expect(await ask({ type: '__proto__', session })).toMatchObject({ status: 401, errcode: 'M_UNRECOGNIZED' });
    for (let i = 0; i < 18; i++) await ask(wrong);
    expect(await ask({ ...wrong, password: 'right' })).toMatchObject({ status: 403 });
  });

  it('forgets sessions by time', async () => {
    const { clock, ask } = setUp();
    const { session } = await ask(undefined);
    await clock.advance(UI_AUTH_SESSION_LIFETIME_MS + 1);
    expect((await ask({ type: 'm.login.password', password: 'right', session }))['session']).not.toBe(session);
  });

  it('of parallel last stages lets one through', async () => {
    const { ask } = setUp();
    const { session } = await ask(undefined);
    await ask({ type: 'm.login.password', password: 'right', session });
    const replies = await Promise.all([1, 2, 3].map(() => ask({ type: 'm.login.dummy', session })));
    expect(replies.filter((reply) => 'done' in reply)).toHaveLength(1);
  });
});
