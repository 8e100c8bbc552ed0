// Someone who goes on chatting while others misbehave: how long the answers take is how much the others are noticed.
import { type Person, v3 } from './api-client.ts';
import { percentile } from './crowd.ts';

const PAUSE_MS = 40;

export interface Experience {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly slowestMs: number;
  /** Answers other than 200. */
  readonly refusals: readonly number[];
}

/** Sends, and reads back, one after the other, until `during` has ended. */
export async function standBy(person: Person, roomId: string, during: Promise<unknown>): Promise<Experience> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  during.then(end, end);
  const times: number[] = [];
  const refusals: number[] = [];
  for (let number = 0; !isOver; number++) {
    const startedMs = performance.now();
    const target = v3`/rooms/${roomId}/send/m.room.message/${`${person.userId}-${startedMs}`}`;
    const send = await person.call('PUT', target, { body: { msgtype: 'm.text', body: `${number}` } });
    const read = await person.call('GET', v3`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: 5 } });
    times.push((performance.now() - startedMs) / 2);
    refusals.push(...[send.status, read.status].filter((status) => status !== 200));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return {
    count: times.length,
    p50Ms: percentile(times, 0.5),
    p95Ms: percentile(times, 0.95),
    slowestMs: Math.max(0, ...times),
    refusals,
  };
}

/** What a person still calls prompt, in milliseconds. */
const PROMPT_MS = 1_500;
/** Of what is usual on this machine just now, which others may be using, too. */
const BEARABLE_FACTOR = 8;
const CALM_MS = 1_500;

/** How slow the slowest twentieth of answers may be while others misbehave; to be asked for just before they do. */
export async function bearableMs(person: Person, roomId: string): Promise<number> {
  const calm = await standBy(person, roomId, new Promise((resolve) => setTimeout(resolve, CALM_MS)));
  return PROMPT_MS + BEARABLE_FACTOR * calm.p95Ms;
}
