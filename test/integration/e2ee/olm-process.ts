// A person with libolm as the tests see them: their client runs in a child process.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Session } from '../support/api-client.ts';
import type { ClientEvent } from '../support/sync-body.ts';
import type { EncryptedPerson, Read } from './encrypted-person.ts';
import type { OlmAnswer, OlmCall } from './olm-child.ts';

const CHILD = join(import.meta.dirname, 'olm-child.ts');

export class OlmProcess implements EncryptedPerson {
  readonly userId: string;
  readonly deviceId: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  constructor(url: string, session: Session) {
    this.userId = session.user_id;
    this.deviceId = session.device_id;
    this.#child = fork(CHILD, [url, JSON.stringify(session)], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message) => this.#answer(message as OlmAnswer));
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the process with libolm ended with ${code}`));
    });
  }

  publish(): Promise<void> {
    return this.#ask('publish');
  }

  sync(): Promise<void> {
    return this.#ask('sync');
  }

  send(roomId: string, text: string): Promise<void> {
    return this.#ask('send', roomId, text);
  }

  read(roomId: string): Promise<Read[]> {
    return this.#ask('read', roomId);
  }

  tryDecrypt(roomId: string, event: ClientEvent): Promise<string | null> {
    return this.#ask('tryDecrypt', roomId, event);
  }

  restoreBackup(decryptionKey: string): Promise<number> {
    return this.#ask('restoreBackup', decryptionKey);
  }

  secrets(): Promise<string[]> {
    return this.#ask('secrets');
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }

  #ask<Value>(method: string, ...values: unknown[]): Promise<Value> {
    const id = this.#calls++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, method, values } satisfies OlmCall);
    return waiting.promise as Promise<Value>;
  }

  #answer(answer: OlmAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('fault' in answer) waiting?.reject(new Error(answer.fault));
    else waiting?.resolve(answer.value);
  }
}
