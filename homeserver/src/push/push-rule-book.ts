// Everyone's push rules in memory, so that judging an event asks nobody: most people have the default ones and cost nothing.
import type { Reader } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { listPushRules, type PushRulesRow, pushRulesTable } from './push-rules.store.ts';
import type { Ruleset } from './push-rules.ts';
import { NO_CHANGES, type PushRuleChanges, rulesetOf } from './user-push-rules.ts';

export const PUSH_RULES_TYPE = 'm.push_rules';

export interface PushRuleBookDependencies {
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
}

/** The rules of someone who changed any. */
export interface OwnRules {
  readonly changes: PushRuleChanges;
  readonly ruleset: Ruleset;
  /** Events up to here were judged by the default rules. */
  readonly ownRulesFrom: number;
  readonly position: number;
}

export class PushRuleBook {
  readonly #dependencies: PushRuleBookDependencies;
  readonly #own = new Map<UserId, OwnRules>();
  /** What the next edit builds on while one is on its way to the disk. */
  readonly #unwritten = new Map<UserId, PushRuleChanges>();

  constructor(dependencies: PushRuleBookDependencies, rows: readonly PushRulesRow[]) {
    this.#dependencies = dependencies;
    for (const row of rows) this.#set(row);
  }

  /** Everyone who changed a rule. */
  get own(): ReadonlyMap<UserId, OwnRules> {
    return this.#own;
  }

  /** The user's rules, as clients see them. */
  rulesetOf(userId: UserId): Ruleset {
    return this.#own.get(userId)?.ruleset ?? rulesetOf(userId, NO_CHANGES);
  }

  /** The position of the newest change of the user's rules, 0 where there was none. */
  positionOf(userId: UserId): number {
    return this.#own.get(userId)?.position ?? 0;
  }

  /** The m.push_rules account data, with the position of the newest change. */
  accountData(userId: UserId): { readonly position: number; readonly content: { readonly global: Ruleset } } {
    return { position: this.positionOf(userId), content: { global: this.rulesetOf(userId) } };
  }

  /** Changes the user's rules; resolves when that is durable. What `edit` throws goes to the caller, nothing is changed then. */
  async change(userId: UserId, edit: (changes: PushRuleChanges) => PushRuleChanges): Promise<void> {
    const before = this.#own.get(userId);
    const changes = edit(this.#unwritten.get(userId) ?? before?.changes ?? NO_CHANGES);
    this.#unwritten.set(userId, changes);
    const rowAt = (position: number): PushRulesRow => {
      const ownRulesFrom = this.#own.get(userId)?.ownRulesFrom ?? position;
      return { userId, changes, position, ownRulesFrom };
    };
    const written = () => {
      if (this.#unwritten.get(userId) === changes) this.#unwritten.delete(userId);
    };
    await this.#dependencies.streamWriter.write({
      lane: userId,
      positions: 1,
      rows: (collector, position) => collector.add(pushRulesTable, rowAt(position)),
      committed: (position) => {
        written();
        this.#set(rowAt(position));
        this.#dependencies.notifier.emit({
          kind: 'accountData',
          position,
          userId,
          roomId: null,
          type: PUSH_RULES_TYPE,
        });
      },
      // Later edits that were built on this one are in the same lane and fail with it.
      failed: () => this.#unwritten.delete(userId),
    });
  }

  #set({ userId, changes, ownRulesFrom, position }: PushRulesRow): void {
    this.#own.set(userId, { changes, ruleset: rulesetOf(userId, changes), ownRulesFrom, position });
  }
}

/** Reads everyone's rules: once, at start. */
export async function loadPushRuleBook(
  dependencies: PushRuleBookDependencies & { readonly database: Reader },
): Promise<PushRuleBook> {
  return new PushRuleBook(dependencies, await listPushRules(dependencies.database));
}
