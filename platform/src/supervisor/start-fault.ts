// A reason not to start that is told to the person at the terminal in plain words, without a stack trace.
import { ConfigError } from '../config.ts';

export class StartFault extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StartFault';
  }
}

/** The sentences for a person if the error is theirs to mend (a fault at start, a wrong configuration), else undefined. */
export function faultText(error: unknown): string | undefined {
  return error instanceof StartFault || error instanceof ConfigError ? `${error.message}\n` : undefined;
}
