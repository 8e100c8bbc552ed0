// The process of one person with libolm: does what its parent asks, one thing after the other.
import Olm from '@matrix-org/olm';
import type { Session } from '../support/api-client.ts';
import { SignedInApi } from './encrypted-person.ts';
import { OlmPerson } from './olm-person.ts';

export interface OlmCall {
  readonly id: number;
  readonly method: string;
  readonly values: unknown[];
}

export type OlmAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly fault: string };

const [url = '', session = '{}'] = process.argv.slice(2);
await Olm.init();
const person = new OlmPerson(new SignedInApi(url, JSON.parse(session) as Session));
let last: Promise<void> = Promise.resolve();

process.on('message', ({ id, method, values }: OlmCall) => {
  last = last.then(async () => {
    try {
      const act = Reflect.get(person, method) as (...values: unknown[]) => Promise<unknown>;
      process.send?.({ id, value: await act.apply(person, values) } satisfies OlmAnswer);
    } catch (error) {
      process.send?.({ id, fault: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
});
process.on('disconnect', () => process.exit(0));
