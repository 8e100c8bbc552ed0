// The queues to all other servers: made when there is something to send, dropped when there is nothing left.
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { DestinationQueue, type QueueDependencies } from './destination-queue.ts';

/** Queues in memory before idle ones are dropped. */
const MAX_IDLE_QUEUES = 1_000;

export class Sender {
  readonly #dependencies: QueueDependencies;
  readonly #queues = new Map<ServerName, DestinationQueue>();

  constructor(dependencies: QueueDependencies) {
    this.#dependencies = dependencies;
  }

  /** Servers to which something waits, or is on its way. */
  get busyDestinations(): number {
    let busy = 0;
    for (const queue of this.#queues.values()) if (!queue.isIdle) busy++;
    return busy;
  }

  /** The outbox has something for these servers. */
  wake(destinations: Iterable<ServerName>): void {
    for (const destination of destinations) this.#queue(destination)?.wake();
  }

  /** Sends an EDU (canonical JSON) to these servers, in the place of a waiting one with the same key. */
  sendEdu(destinations: Iterable<ServerName>, key: string, text: string): void {
    for (const destination of destinations) this.#queue(destination)?.addEdu(key, text);
  }

  /** A server was heard of: what waits for it goes out now. */
  heardOf(destination: ServerName): void {
    this.#queues.get(destination)?.retryNow();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }

  #queue(destination: ServerName): DestinationQueue | null {
    if (destination === this.#dependencies.serverName) return null;
    let queue = this.#queues.get(destination);
    if (queue === undefined) {
      if (this.#queues.size >= MAX_IDLE_QUEUES) this.#dropIdle();
      queue = new DestinationQueue(this.#dependencies, destination);
      this.#queues.set(destination, queue);
    }
    return queue;
  }

  #dropIdle(): void {
    for (const [destination, queue] of this.#queues) if (queue.isIdle) this.#queues.delete(destination);
  }
}
