// What handlers may know of a request; its abort signal is only made for those who look at it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestInfo } from './handle.ts';

/** Parts of a header that are kept for handlers and logs. */
const MAX_USER_AGENT_LENGTH = 255;

export class HttpRequestInfo implements RequestInfo {
  readonly requestId: string;
  readonly address: string;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #stop: AbortSignal;
  readonly #onStop: Set<() => void>;
  #controller: AbortController | undefined;

  constructor(parts: {
    requestId: string;
    address: string;
    request: IncomingMessage;
    response: ServerResponse;
    /** Aborted when the server stops. */
    stop: AbortSignal;
    /** Who is told of that. */
    onStop: Set<() => void>;
  }) {
    this.requestId = parts.requestId;
    this.address = parts.address;
    this.#request = parts.request;
    this.#response = parts.response;
    this.#stop = parts.stop;
    this.#onStop = parts.onStop;
  }

  get userAgent(): string {
    return (this.#request.headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT_LENGTH);
  }

  get headers(): RequestInfo['headers'] {
    return this.#request.headers;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch();
    return this.#controller.signal;
  }

  #watch(): AbortController {
    const controller = new AbortController();
    const onStop = () => controller.abort(this.#stop.reason);
    const onClose = () => {
      this.#onStop.delete(onStop);
      if (!this.#response.writableFinished) controller.abort(new Error('the client went away'));
    };
    if (this.#stop.aborted) onStop();
    else if (this.#response.closed) onClose();
    else {
      this.#onStop.add(onStop);
      this.#response.once('close', onClose);
    }
    return controller;
  }
}
