// History visibility: every visibility with every membership, and the events that change either.
import { describe, expect, it } from 'vitest';
import { type HistoryVisibility, historyVisibilityOf, mayServerSee, mayUserSee } from './visibility.ts';

const userId = '@alice:example.org';
const message = { type: 'm.room.message', stateKey: undefined, content: {} };
const visibilities: HistoryVisibility[] = ['world_readable', 'shared', 'invited', 'joined'];
const memberships = ['join', 'invite', 'knock', 'leave', 'ban', undefined];

describe('mayUserSee', () => {
  it('follows the table of visibilities and memberships', () => {
    const seen = visibilities.map((visibilityBefore) =>
      memberships
        .map((membershipBefore) =>
          [false, true]
            .map((hasJoinedSince) =>
              mayUserSee({ userId, event: message, visibilityBefore, membershipBefore, hasJoinedSince }) ? '+' : '-',
            )
            .join(''),
        )
        .join(' '),
    );
    expect(seen).toEqual(['++ ++ ++ ++ ++ ++', '++ -+ -+ -+ -+ -+', '++ ++ -- -- -- --', '++ -- -- -- -- --']);
  });

  it('counts a change of visibility as what was before and what comes after', () => {
    for (const [before, after] of [
      ['world_readable', 'joined'],
      ['joined', 'world_readable'],
    ] as const) {
      const event = { type: 'm.room.history_visibility', stateKey: '', content: { history_visibility: after } };
      const view = { userId, event, visibilityBefore: before, membershipBefore: undefined, hasJoinedSince: false };
      expect(mayUserSee(view)).toBe(true);
      expect(mayUserSee({ ...view, event: { ...event, stateKey: 'x' } })).toBe(before === 'world_readable');
    }
  });

  it("counts a change of the user's own membership as both, of another's as neither", () => {
    const joins = { type: 'm.room.member', stateKey: userId, content: { membership: 'join' } };
    const leaves = { ...joins, content: { membership: 'leave' } };
    const base = { userId, visibilityBefore: 'joined', hasJoinedSince: false } as const;
    expect(mayUserSee({ ...base, event: joins, membershipBefore: 'invite' })).toBe(true);
    expect(mayUserSee({ ...base, event: leaves, membershipBefore: 'join' })).toBe(true);
    expect(mayUserSee({ ...base, event: leaves, membershipBefore: 'invite' })).toBe(false);
    expect(mayUserSee({ ...base, event: { ...joins, stateKey: '@bob:example.org' }, membershipBefore: 'leave' })).toBe(
      false,
    );
  });

  it('reads a strange visibility as shared', () => {
    for (const content of [
      {},
      { history_visibility: 'secret' },
      { history_visibility: 1 },
      { history_visibility: null },
    ]) {
      expect(historyVisibilityOf({ content })).toBe('shared');
    }
    expect(historyVisibilityOf(undefined)).toBe('shared');
    expect(historyVisibilityOf({ content: { history_visibility: 'joined' } })).toBe('joined');
  });
});

describe('mayServerSee', () => {
  it('asks for one user whose membership counts', () => {
    expect(visibilities.map((visibility) => mayServerSee(visibility, []))).toEqual([true, true, false, false]);
    expect(visibilities.map((visibility) => mayServerSee(visibility, ['leave', 'invite']))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(visibilities.map((visibility) => mayServerSee(visibility, ['ban', 'join']))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});
